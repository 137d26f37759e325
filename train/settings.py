"""Everything that decides what a training run computes: on one kind of machine, the same settings
and seed give the same network.
"""

import dataclasses
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Self, cast

import numpy as np
import numpy.typing as npt

from sim.encoders.intensity import INTENSITIES, NEVER, Intensity
from sim.errors import InputError
from sim.report.frontier_file import RENAMED_SETTINGS

MAX_BITS = 8
MIN_BITS = 2

GEOMETRY = {"kernel": 1, "stride": 1, "padding": 0}
"""Settings of convolutions, one number or one for each of them, and the least that each can be."""

ADDED = {
    *("max_silent_intensity", "alive_share", "expected_spikes", "wake_share", "spikes"),
    *("maps", *GEOMETRY),
}
"""Settings that came after the first networks were trained; their defaults leave those as they are.
"""

AT_LEAST_1 = ("ticks_per_unit", "last_tick", "epochs", "batch", "expected_spikes", "spikes")
ABOVE_0 = ("learning_rate", "output_rate", "sharpness", "softness", "gradient_limit")
AT_LEAST_0 = (
    *("inputs", "seed", "warp", "floor", "margin", "spike_cost"),
    *("late_cost", "deadline", "alive_cost"),
)
SHARES = ("alive_share", "wake_share")
"""Settings in 0..1."""

MOST: Mapping[str, int] = {
    **{"seed": 2**63 - 1, "epochs": 1_000_000, "batch": 1_000_000, "spikes": 255},
    **dict.fromkeys(("ticks_per_unit", "last_tick"), 2**15 - 1),
    **dict.fromkeys(("hidden", "maps"), 2**16),
    **dict.fromkeys(GEOMETRY, 255),
}
"""The largest whole numbers; of other settings it is 2^31 - 1."""

MOST_REAL = 1e6
"""The largest number of every other setting."""

MOST_SHOWN = 60
"""Characters of a wrong value that a sentence shows."""

MOST_WEIGHTS = 2**28
"""Between two dense layers: with the optimiser's state about 4 GB."""


@dataclass(frozen=True)
class TrainSettings:
    """A training run; the defaults are the recipe of the 784-600-10 network.

    The network; convolutions come first, then dense layers:

    :param dataset: a name of :data:`sim.data.dataset.SOURCES`.
    :param seed: of weights, order, warps and noise.
    :param maps: output channels of the convolutions.
    :param kernel: of the convolutions, height and width; one number or one each.
    :param stride: of the convolutions, likewise.
    :param padding: of the convolutions, likewise.
    :param hidden: sizes of the dense hidden layers.
    :param spikes: how often a hidden neuron fires at most; above 1 its reset is ``subtract``.
    :param bits: of the weights, one number or one per layer; empty for real weights and continuous
        times.
    :param ticks_per_unit: R, ticks in a unit of z.
    :param last_tick: K, the tick at which an image times out.
    :param pool: 1, or 2 to replace each 2 x 2 pixels by their mean.
    :param bright: descending; intensities above the first fire at the first of ``bright_ticks``,
        others above the second at the second, and so on.
    :param bright_ticks: as many as ``bright``.
    :param dark_tick: of all other intensities; -1: they never fire.
    :param inputs: budget of input pixels, chosen half way on training images; 0: all.
    :param max_silent_intensity: once training is over, intensities up to this never fire, so that
        fewer weights are read; 0: as trained.

    How training starts, and goes on:

    :param alive_share: of the hidden neurons that fire at the start.
    :param expected_spikes: that an output waits for at the start; with more, each weighs less.
    :param wake_share: in the first half, neurons that fire on a smaller share of images than this
        are woken; 0: none.
    :param epochs: times each image is seen.
    :param batch: images per step, fewer of little data.
    :param learning_rate: of Adam, cosine to zero.
    :param output_rate: factor of the learning rate in all layers but the first.
    :param warp: strength of the augmentation, 0: none.
    :param input_noise: chance that an input spike is lost.
    :param gradient_limit: longer gradients are scaled back to this norm.
    :param floor: smallest divisor of a gradient, in thresholds; see :mod:`train.exact.layer`.

    The loss, see :mod:`train.exact.loss`; ``margin``, ``softness`` and ``deadline`` are in units of
    z (``ticks_per_unit``):

    :param sharpness: of the softmax over output times.
    :param margin: how long outputs compete after the first spike.
    :param spike_cost: of a hidden spike before the decision; with ``maps``, of 1,000 weights that
        hidden spikes look up before it.
    :param softness: of counting those spikes.
    :param late_cost: of each unit of z by which the right output is late.
    :param deadline: from which an output is late.
    :param alive_cost: of weights too small for a neuron ever to fire.

    :raises InputError: one of them is out of range.
    """

    dataset: str = "mnist"
    seed: int = 1
    maps: tuple[int, ...] = ()
    kernel: tuple[int, ...] = (5,)
    stride: tuple[int, ...] = (2,)
    padding: tuple[int, ...] = (0,)
    hidden: tuple[int, ...] = (600,)
    spikes: int = 1
    bits: tuple[int, ...] = (8,)
    ticks_per_unit: int = 8
    last_tick: int = 24
    pool: int = 1
    bright: tuple[int, ...] = (127,)
    bright_ticks: tuple[int, ...] = (0,)
    dark_tick: int = NEVER
    inputs: int = 0
    max_silent_intensity: int = 0
    alive_share: float = 0.1
    expected_spikes: int = 40
    wake_share: float = 0.0
    epochs: int = 40
    batch: int = 128
    learning_rate: float = 4e-3
    output_rate: float = 2.0
    warp: float = 0.7
    input_noise: float = 0.0
    gradient_limit: float = 10.0
    floor: float = 0.3
    sharpness: float = 4.0
    margin: float = 0.1
    spike_cost: float = 7e-4
    softness: float = 0.1
    late_cost: float = 0.2
    deadline: float = 1.0
    alive_cost: float = 0.0

    def __post_init__(self) -> None:
        check_ranges(vars(self), AT_LEAST_1, AT_LEAST_0, ABOVE_0, SHARES)
        if not 0 <= self.input_noise < 1:
            raise InputError(
                f"--input-noise: must be at least 0 and below 1, not {self.input_noise}."
            )

        self._check_layers()
        self._check_maps()
        self._check_code()

    def _check_layers(self) -> None:
        for bits in self.bits:
            if not MIN_BITS <= bits <= MAX_BITS:
                raise InputError(
                    f"--bits: {bits} is not possible; "
                    f"give {MIN_BITS} to {MAX_BITS}, one or per layer."
                )
        if len(self.bits) not in (0, 1, self._layers()):
            raise InputError(
                f"--bits: give one number, or {self._layers()} (per layer), not {len(self.bits)}."
            )
        if any(size < 1 for size in self.hidden):
            raise InputError("--hidden: every layer needs at least one neuron.")

    def _check_maps(self) -> None:
        if any(channels < 1 for channels in self.maps):
            raise InputError("--maps: every convolution needs at least one channel.")
        check_geometry(len(self.maps), {key: getattr(self, key) for key in GEOMETRY})
        if self.maps and self.spikes > 1:
            raise InputError(
                "--spikes: those of convolutions fire once; leave it out, or train without --maps."
            )
        check_all_pixels(self.maps, self.inputs)

    def _check_code(self) -> None:
        check_code(self.pool, self.bright, self.bright_ticks, self.max_silent_intensity)
        if not all(0 <= tick <= self.last_tick for tick in self.bright_ticks):
            raise InputError(f"--bright-ticks: must be in 0..{self.last_tick} (--last-tick).")
        if not NEVER <= self.dark_tick <= self.last_tick:
            raise InputError(f"--dark-tick: must be in {NEVER}..{self.last_tick} (--last-tick).")

    def encoder(self, height: int, width: int) -> Intensity:
        """Return the encoder that uses all pixels of an image."""
        spike_tick = ticks_of(self.bright, self.bright_ticks, self.dark_tick)
        pixels = np.arange(height * width // self.pool**2, dtype=np.int32)
        return Intensity((height, width), self.pool, pixels, spike_tick)

    def layer_bits(self) -> tuple[int, ...] | None:
        """Return the weight bits of every layer, or None for real weights."""
        if len(self.bits) == 1:
            return self.bits * self._layers()
        return self.bits or None

    def _layers(self) -> int:
        """Return the number of layers."""
        return len(self.maps) + len(self.hidden) + 1

    def geometry(self) -> list[tuple[int, int, int]]:
        """Return kernel, stride and padding of each convolution."""
        return each_geometry(len(self.maps), {key: getattr(self, key) for key in GEOMETRY})

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON; :meth:`from_json` reads them back."""
        return as_json(vars(self))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainSettings":
        """Read what :meth:`to_json` returned.

        A key of :data:`ADDED` may be missing: the run is older than the key. Keys may have their
        earlier names.

        :raises InputError: an unknown or missing key, or a value of another type or out of range.
        """
        values = {RENAMED_SETTINGS.get(key, key): value for key, value in values.items()}
        known = {field.name for field in dataclasses.fields(cls)}
        for key in known ^ (set(values) | ADDED):
            raise InputError(f"settings: key {key!r} does not fit this version; train again.")

        return cls(**{key: typed(key, getattr(cls, key), value) for key, value in values.items()})


class NamedSettings:
    """Settings of a kind of neuron that their JSON names: what their dataclasses have in common."""

    neuron: ClassVar[str]
    """What ``--neuron`` calls these settings."""

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON; :meth:`from_json` reads them back."""
        return {"neuron": self.neuron, **as_json(vars(self))}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` returned.

        :raises InputError: an unknown or missing key, or a value of another type or out of range.
        """
        known = {field.name for field in dataclasses.fields(cast(Any, cls))}
        for key in (known | {"neuron"}) ^ set(values):
            raise InputError(f"settings: key {key!r} does not fit this version; train again.")
        if values["neuron"] != cls.neuron:
            raise InputError(f"neuron: must be {cls.neuron}, not {shown(values['neuron'])}.")
        return cls(**{key: typed(key, getattr(cls, key), values[key]) for key in known})


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with their tuples as lists."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items()
    }


def typed(key: str, standard: Any, value: Any) -> Any:
    """Return a value from JSON or TOML as the type of that setting: equal settings are then equal
    in every way.

    :param standard: what the setting is by default.
    :raises InputError: it is of another type.
    """
    if isinstance(standard, tuple):
        if isinstance(value, list) and all(type(item) is int for item in value):
            return tuple(value)
    elif type(value) is type(standard):
        return value
    elif isinstance(standard, float) and type(value) is int and abs(value) <= 2**53:
        return float(value)
    wanted = "list of int" if isinstance(standard, tuple) else type(standard).__name__
    raise InputError(f"{key}: must be {wanted}, not {shown(value)}.")


def shown(value: Any) -> str:
    """Return a value of a file as a sentence can name it: on one line, and not for pages."""
    text = reprlib.repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def check_ranges(
    values: Mapping[str, Any],
    at_least_1: Iterable[str],
    at_least_0: Iterable[str],
    above_0: Iterable[str],
    shares: Iterable[str],
) -> None:
    """Check settings that have one bound, or two.

    :param values: all settings by name.
    :param at_least_1: names of those that are 1 or more.
    :param at_least_0: names of those that are 0 or more.
    :param above_0: names of those that are above 0.
    :param shares: names of those that are in 0..1.
    :raises InputError: one of them is out of range, or larger than anything of use.
    """
    check_most(values)
    for keys, low in ((at_least_1, 1), (at_least_0, 0)):
        for key in keys:
            if not values[key] >= low:
                raise InputError(f"{option(key)}: must be at least {low}, not {values[key]}.")
    for key in above_0:
        if not values[key] > 0:
            raise InputError(f"{option(key)}: must be above 0, not {values[key]}.")
    for key in shares:
        if not 0 <= values[key] <= 1:
            raise InputError(f"{option(key)}: must be in 0..1, not {values[key]}.")


def check_most(values: Mapping[str, Any]) -> None:
    """Check that no setting is larger than anything of use: what is larger ends deep in a library.

    :param values: all settings by name.
    :raises InputError: one of them is.
    """
    for key, value in values.items():
        most = MOST.get(key, 2**31 - 1)
        if isinstance(value, float) and value > MOST_REAL:
            raise InputError(f"{option(key)}: must be at most {MOST_REAL:,.0f}, not {value}.")
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, int) and one > most:
                raise InputError(f"{option(key)}: must be at most {most:,}, not {one:,}.")

    for before, after in pairwise(values["hidden"]):
        if before * after > MOST_WEIGHTS:
            raise InputError(
                f"--hidden: layers of {before} and {after} neurons have more than "
                f"{MOST_WEIGHTS:,} weights between them; take smaller ones."
            )


def check_code(
    pool: int, bright: Sequence[int], ticks: Sequence[int], max_silent_intensity: int
) -> None:
    """Check how intensities become ticks, as far as all kinds of neuron agree.

    :param ticks: one for each of ``bright``.
    :raises InputError: one of them is out of range, or they do not go together.
    """
    if pool not in (1, 2):
        raise InputError(f"--pool: must be 1 or 2, not {pool}.")
    if not bright or len(bright) != len(ticks):
        raise InputError(
            "--bright and --bright-ticks: give as many ticks as thresholds, at least one."
        )

    descending = sorted(bright, reverse=True) == list(bright)
    if not descending or not 0 <= bright[-1] <= bright[0] < INTENSITIES - 1:
        raise InputError(
            f"--bright: must be descending and in 0..{INTENSITIES - 2}, not "
            f"{','.join(map(str, bright))}."
        )
    if not 0 <= max_silent_intensity < INTENSITIES:
        raise InputError(
            f"--max-silent-intensity: must be in 0..{INTENSITIES - 1}, not {max_silent_intensity}."
        )


def check_all_pixels(maps: Sequence[int], inputs: int) -> None:
    """Check that no pixels are chosen for a convolution.

    :raises InputError: there are maps, and a budget of inputs.
    """
    if maps and inputs:
        raise InputError(
            "--inputs: a convolution needs all pixels; leave it out, or train without --maps."
        )


def ticks_of(bright: Sequence[int], ticks: Sequence[int], otherwise: int) -> npt.NDArray[np.int16]:
    """Return the tick at which each intensity fires, int16 (256,).

    :param bright: descending; intensities above one of them fire at its tick.
    :param ticks: one for each of ``bright``.
    :param otherwise: the tick of all other intensities.
    """
    # from the darkest threshold up, so that a brighter one overwrites what is above it
    table = np.full(INTENSITIES, otherwise, np.int16)
    for threshold, tick in reversed(list(zip(bright, ticks, strict=True))):
        table[threshold + 1 :] = tick
    return table


def check_geometry(maps: int, values: Mapping[str, tuple[int, ...]]) -> None:
    """Check kernels, strides and paddings, one or for each of ``maps`` convolutions.

    :param values: by the keys of :data:`GEOMETRY`.
    :raises InputError: one of them is out of range, or they are too many or too few.
    """
    for key, low in GEOMETRY.items():
        if any(value < low for value in values[key]):
            raise InputError(f"{option(key)}: must be at least {low}, not {min(values[key])}.")
        if len(values[key]) not in {1, max(1, maps)}:
            raise InputError(
                f"{option(key)}: give one number, or {maps} (one for each of --maps), "
                f"not {len(values[key])}."
            )

    for kernel, _, padding in each_geometry(maps, values):
        if padding >= kernel:
            raise InputError(
                f"--padding: must be smaller than the kernel, in 0..{kernel - 1}, not {padding}."
            )


def each_geometry(maps: int, values: Mapping[str, tuple[int, ...]]) -> list[tuple[int, int, int]]:
    """Return kernel, stride and padding of each of ``maps`` convolutions."""
    columns = (values[key] * maps if len(values[key]) == 1 else values[key] for key in GEOMETRY)
    return list(zip(*columns, strict=True)) if maps else []


def option(key: str) -> str:
    """Return the option that sets a field of :class:`TrainSettings`."""
    return f"--{key.replace('_', '-')}"


FLOAT = TrainSettings(hidden=(800,), bits=(), input_noise=0.05, spike_cost=1e-4, epochs=15)

PRESETS = {
    "prototype": TrainSettings(),
    "frugal": TrainSettings(hidden=(180,), spike_cost=2e-4, warp=0.4, epochs=30),
    "float": FLOAT,
    "maps": TrainSettings(
        maps=(16, 32), hidden=(), last_tick=20, epochs=12, batch=64, spike_cost=2.5e-3
    ),
    "mostafa": replace(FLOAT, warp=0.0, dark_tick=40, last_tick=64),
}
"""Recipes by name.

``maps`` has convolutions, and decides at the first output spike. ``mostafa`` is the network of
Mostafa's paper as he ran it: real weights and continuous times, images without warps, bright pixels
at z = 1 and all others at z = 6. Its noise is ours: some spikes are lost (``input_noise=0`` for
none).
"""
