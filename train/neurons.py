"""The kinds of neuron that can be trained, by the names that ``--neuron`` has for them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, cast

from sim.errors import InputError, choose
from train.data import Split
from train.export import Exportable, ExportSettings
from train.fit import AnySettings, AnyTraining, Training
from train.parallel import Processes
from train.settings import PRESETS, TrainSettings, option
from train.surrogate.fit import LeakyTraining
from train.surrogate.settings import LEAKY_PRESETS, LeakySettings
from train.window.fit import WindowTraining
from train.window.settings import WINDOW_PRESETS, WindowSettings

DEFAULT = "first-spike"


class Settings(AnySettings, ExportSettings, Protocol):
    """What decides a training run of any kind: a frozen dataclass."""

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        ...


class Run(AnyTraining, Protocol):
    """A training run of any kind."""

    @property
    def settings(self) -> Settings:
        """What decides the result."""
        ...

    def result(self) -> Exportable:
        """Return the trained network as it is evaluated and exported."""
        ...


@dataclass(frozen=True)
class Kind:
    """A row of the table.

    :param settings: the class of its settings; all of its defaults are the default recipe.
    :param presets: recipes by name.
    :param run: starts a training run: data, settings, processes.
    """

    settings: type[Any]
    presets: Mapping[str, Any]
    run: Callable[[Split, Any, Processes], Run]


NEURONS: Mapping[str, Kind] = {
    "first-spike": Kind(TrainSettings, PRESETS, Training),
    "window": Kind(WindowSettings, WINDOW_PRESETS, WindowTraining),
    "leaky": Kind(LeakySettings, LEAKY_PRESETS, LeakyTraining),
}
"""The kinds by name."""


def name_of(settings: Settings) -> str:
    """Return the name of the kind that such settings are of."""
    return next(name for name, kind in NEURONS.items() if type(settings) is kind.settings)


def start_run(split: Split, settings: Settings, processes: Processes) -> Run:
    """Return a training run that has not begun.

    :raises InputError: the settings do not fit the data, or the number of processes.
    """
    return NEURONS[name_of(settings)].run(split, settings, processes)


def read_settings(values: dict[str, Any]) -> Settings:
    """Read what ``to_json`` of any settings returned; those without ``neuron`` are first spikes.

    :raises InputError: an unknown or missing key, or an unknown neuron.
    """
    kind = choose(NEURONS, values.get("neuron", DEFAULT), "neuron")
    return kind.settings.from_json(values)


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return settings with some of them changed; where convolutions are asked for and dense layers
    are not, there are none.

    :raises InputError: a setting is out of range, or one that only other kinds of neuron have.
    """
    check_known(settings, changes)
    values = dict(changes)
    if values.get("maps") and not getattr(settings, "maps", ()):
        values.setdefault("hidden", ())
    return replace(cast(Any, settings), **values)


def check_known(settings: Settings, keys: Iterable[str]) -> None:
    """Check that such settings have all of these keys.

    :raises InputError: one is a setting of other kinds of neuron only, or none at all.
    """
    known = {field.name for field in fields(cast(Any, settings))}
    for key in (key for key in keys if key not in known):
        others = [
            name
            for name, kind in NEURONS.items()
            if key in {field.name for field in fields(kind.settings)}
        ]
        if not others:
            raise InputError(f"{key}: is no setting; `python -m train fit --help` lists them.")
        raise InputError(
            f"{option(key)}: is not of --neuron {name_of(settings)}; leave it out, "
            f"or give --neuron {' or '.join(others)}."
        )
