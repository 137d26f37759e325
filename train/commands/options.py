"""Options that commands of ``python -m train`` share: the settings of training, one option each."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.commands import options
from sim.commands.command_line import Parser, one_of, real, whole
from sim.data import dataset
from sim.report.frontier_file import RENAMED_SETTINGS
from train.fit import CHECKPOINT_FILE, read_checkpoint
from train.settings import PRESETS, TrainSettings, option

SETTINGS = {
    "dataset": f"{', '.join(dataset.SOURCES)} (the last is generated, and small)",
    "seed": "of weights, order, warps and noise",
    "hidden": "sizes of the hidden layers",
    "spikes": "of a hidden neuron, at most; above 1 with reset subtract",
    "bits": "of the weights, 2-8, one or per layer; nothing for real weights and continuous times",
    "ticks_per_unit": "R: ticks in a unit of z",
    "last_tick": "an image without an output spike after it has timed out",
    "pool": "2: replace each 2x2 pixels by their mean",
    "bright": "intensities above these (descending) fire ...",
    "bright_ticks": "... at these ticks",
    "dark_tick": "tick of all other intensities, -1 for never",
    "inputs": "budget of input pixels, chosen half way on training images; 0: all",
    "max_silent_intensity": "once trained, intensities up to this never fire; 0: as trained",
    "alive_share": "share of hidden neurons that fire at the start",
    "expected_spikes": "that an output waits for at the start: with more, each weighs less",
    "wake_share": "hidden neurons that fire on a smaller share of images are woken "
    "in the first half of training",
    "epochs": "times each image is seen",
    "batch": "images per step",
    "learning_rate": "of Adam, cosine to zero",
    "output_rate": "factor of the learning rate in later layers",
    "warp": "strength of rotations, shifts, scalings and elastic warps",
    "input_noise": "chance that an input spike is lost in training",
    "gradient_limit": "longer gradients are scaled back to this norm",
    "floor": "smallest divisor of a gradient, in thresholds",
    "sharpness": "of the softmax over output times",
    "margin": "how long (in z) outputs compete after the first spike",
    "spike_cost": "of a hidden spike before the decision",
    "softness": "of counting those spikes, in z",
    "late_cost": "of each unit of z by which the right output is late",
    "deadline": "in z, from which an output is late",
    "alive_cost": "of weights too small for a neuron ever to fire",
}
"""What each field of :class:`train.settings.TrainSettings` means on the command line."""


def add_checkpoint(parser: Parser) -> None:
    """Add the folder of a training run, its data, and how its figures are shown."""
    options.add_out(parser, "folder of the checkpoint and all files")
    options.add_data(parser)
    options.add_json(parser)


def add_settings(parser: Parser) -> None:
    """Add an option for every setting; one that is not given leaves its setting as it is."""
    parser.add_argument(
        "--preset",
        type=one_of(*PRESETS),
        metavar="|".join(PRESETS),
        help="a recipe to start from; the options below change it",
    )

    standard = TrainSettings()
    first_names = {name: old for old, name in RENAMED_SETTINGS.items()}
    for field in fields(TrainSettings):
        name, value = option(field.name), getattr(standard, field.name)
        unchanged: dict[str, Any] = {"default": argparse.SUPPRESS}
        if isinstance(value, tuple):
            shown = ",".join(map(str, value))
            text = f"{SETTINGS[field.name]} ({shown})"
            parser.add_numbers(name, nargs="?", const=(), metavar="N,N", help=text, **unchanged)
            continue

        kind, metavar = _kind(value)
        text = f"{SETTINGS[field.name]} ({value})"
        parser.add_argument(name, type=kind, metavar=metavar, help=text, **unchanged)
        if field.name in first_names:
            parser.add_old_name(option(first_names[field.name]), name, type=kind)


def _kind(value: Any) -> tuple[Any, str]:
    """Return the type of an option with such a value, and what its help calls the value."""
    if isinstance(value, str):
        return str, "TEXT"
    return (whole(), "N") if isinstance(value, int) else (real, "X")


def chosen_settings(arguments: argparse.Namespace) -> TrainSettings:
    """Return the preset, or the settings of the checkpoint that is there, or the defaults, changed
    by the options given.

    :raises InputError: a setting is out of range, or the checkpoint is damaged.
    """
    checkpoint = arguments.out / CHECKPOINT_FILE
    if arguments.preset is not None:
        settings = PRESETS[arguments.preset]
    elif checkpoint.exists():
        settings = saved_settings(checkpoint)
    else:
        settings = TrainSettings()
    given = {name: value for name, value in vars(arguments).items() if name in SETTINGS}
    return replace(settings, **given)


def saved_settings(checkpoint: Path) -> TrainSettings:
    """Return the settings of a checkpoint.

    :raises InputError: it is missing or damaged.
    """
    return TrainSettings.from_json(json.loads(read_checkpoint(checkpoint)["settings"]))


def show(figures: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Print figures for people, or as JSON where ``--json`` says."""
    options.show(figures, arguments.json, lambda: _print(figures))


def _print(figures: dict[str, Any]) -> None:
    for name, value in _lines(figures):
        Console().print(f"{name.replace('_', ' '):28} {value}", highlight=False, soft_wrap=True)


def _lines(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield names and texts of figures, those of a nested object one by one."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{prefix}{name} ")
        else:
            yield prefix + name, f"{value:.4f}" if isinstance(value, float) else str(value)
