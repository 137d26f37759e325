"""Which networks a sweep trains: a TOML file of settings and grids, read into points.

::

    [settings]                     # of every point; preset = "frugal" starts from that recipe
    epochs = 20

    [[grid]]                       # the product of its lists: 2 x 3 points
    hidden = [[140], [180]]        # a setting that is a list varies if it is a list of lists
    seed = [1, 2, 3]

    [[grid]]                       # without lists, a single point
    pool = 2

    [[grid]]
    neuron = "window"              # the kind of neuron, where it is not first-spike
    maps = [16, 32]
"""

import hashlib
import itertools
import json
import math
import tomllib
from pathlib import Path
from typing import Any

from sim.data.dataset import SOURCES
from sim.errors import InputError, choose
from sim.report.frontier_file import RENAMED_SETTINGS
from train.neurons import DEFAULT, NEURONS, Settings, changed, check_known, name_of
from train.settings import ADDED, typed

MOST_BYTES = 2**20
"""Size of the largest file."""

MOST_POINTS = 10_000
"""Points of the largest sweep."""


def read_spec(path: Path) -> list[Settings]:
    """Return the points of a sweep, in the order of the file, each once.

    :raises InputError: the file is missing, too large or not TOML, names a setting, a value or a
        data set that does not exist, or means no point, or too many.
    """
    spec = _read_toml(path)
    for key in spec.keys() - {"settings", "grid"}:
        raise InputError(f"{path}: key {key!r} is unknown; give [settings] and [[grid]].")
    common, grids = spec.get("settings", {}), spec.get("grid", [{}])
    grids_fit = isinstance(grids, list) and all(isinstance(grid, dict) for grid in grids)
    if not isinstance(common, dict) or not grids_fit:
        raise InputError(
            f"{path}: settings must be a table, [settings], "
            "and every grid one of its own, [[grid]]."
        )

    # a dict keeps the order, and each point once
    points: dict[Settings, None] = {}
    for number, grid in enumerate(grids, 1):
        try:
            points |= dict.fromkeys(_product(_renamed(common) | _renamed(grid)))
        except InputError as error:
            raise InputError(f"{path}: grid {number}: {error}") from error
    if not 0 < len(points) <= MOST_POINTS:
        raise InputError(f"{path}: has {len(points):,} points; give 1 to {MOST_POINTS:,}.")
    return list(points)


def _read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    :raises InputError: it is no file, too large, or not TOML.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; zoo/mnist.toml is one of a sweep.")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: has more than {MOST_BYTES:,} bytes; a sweep needs a few lines.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # TOML's and Unicode's errors are ValueErrors
        raise InputError(f"{path}: is not TOML ({error}).") from error


def _renamed(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table of the file, settings by their names today.

    :raises InputError: it names a setting twice.
    """
    for old, name in RENAMED_SETTINGS.items():
        if old in table and name in table:
            raise InputError(f"{old}: is an earlier name of {name}; give one of them.")
    return {RENAMED_SETTINGS.get(key, key): value for key, value in table.items()}


def _product(grid: dict[str, Any]) -> list[Settings]:
    """Return the settings of all combinations of a grid's axes."""
    start, changes = _start(dict(grid))
    check_known(start, changes)
    axes = {key: _axis(getattr(start, key), value) for key, value in changes.items()}
    for key in (key for key, values in axes.items() if not values):
        raise InputError(f"{key}: has no values; give one or more.")
    if math.prod(map(len, axes.values())) > MOST_POINTS:
        raise InputError(f"has more than {MOST_POINTS:,} points; make it smaller.")
    combinations = itertools.product(*axes.values())
    return [_settings(start, dict(zip(axes, values, strict=True))) for values in combinations]


def _start(grid: dict[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """Return the recipe that a grid starts from, and what it changes."""
    neuron = grid.pop("neuron", None)
    kinds = NEURONS if neuron is None else {neuron: choose(NEURONS, neuron, "neuron")}
    preset = grid.pop("preset", None)
    if preset is None:
        return NEURONS[neuron or DEFAULT].settings(), grid

    presets = {name: recipe for kind in kinds.values() for name, recipe in kind.presets.items()}
    if not isinstance(preset, str) or preset not in presets:
        raise InputError(f"preset: must be one of {', '.join(presets)}, not {preset!r}.")
    return presets[preset], grid


def _axis(standard: Any, value: Any) -> list[Any]:
    """Return the values that a setting takes in a grid.

    :param standard: what it is in the recipe.
    """
    many = isinstance(standard, tuple)
    is_axis = isinstance(value, list) and (
        not many or any(isinstance(item, list) for item in value)
    )
    return value if is_axis else [value]


def _settings(start: Settings, values: dict[str, Any]) -> Settings:
    changes = {key: typed(key, getattr(start, key), value) for key, value in values.items()}
    settings = changed(start, changes)
    choose(SOURCES, settings.dataset, "dataset")
    if settings.layer_bits() is None:
        raise InputError(
            "bits: a network of real weights has no integer form to measure; give 2 to 8."
        )
    return settings


def point_key(settings: Settings) -> str:
    """Return the key under which a point's result is kept, 16 hexadecimal digits of its settings'
    SHA-256.

    So that results stay valid for ever, a setting of :data:`train.settings.ADDED` counts only where
    it is not at its default, and one that was renamed counts by its first name.
    """
    usual = NEURONS[name_of(settings)].settings().to_json()
    first_names = {name: old for old, name in RENAMED_SETTINGS.items()}
    chosen = {
        first_names.get(key, key): value
        for key, value in settings.to_json().items()
        if key not in ADDED or value != usual[key]
    }
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:16]
