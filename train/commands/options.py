"""Options that commands of ``python -m train`` share: the settings of training, one option each."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.commands import options
from sim.commands.command_line import Parser, one_of, real, whole
from sim.data import dataset
from sim.errors import InputError
from sim.readouts import READOUTS
from sim.report.frontier_file import RENAMED_SETTINGS
from train.checkpoint import CHECKPOINT_FILE, read_checkpoint, saved_values
from train.neurons import DEFAULT, NEURONS, Settings, changed, name_of, read_settings
from train.settings import option
from train.surrogate.loss import LOSSES
from train.surrogate.scan import SURROGATES

SETTINGS = {
    "dataset": f"{', '.join(dataset.SOURCES)} (the last is generated, and small)",
    "seed": "of weights, order, warps and noise",
    "hidden": "sizes of the dense hidden layers",
    "maps": "output channels of convolutions before the dense layers; --hidden is then empty",
    "kernel": "of the convolutions, height and width, one or for each",
    "stride": "of the convolutions, one or for each",
    "padding": "of the convolutions, one or for each",
    "spikes": "of a hidden neuron, at most; above 1 with reset subtract",
    "window": "M: the largest activation, ticks in the window of a layer",
    "bits": "of the weights, 2-8, one or per layer; first-spike: nothing for real weights and "
    "continuous times; window: also 1, -1 and +1",
    "ticks_per_unit": "R: ticks in a unit of z",
    "last_tick": "an image without an output spike after it has timed out",
    "pool": "2: replace each 2x2 pixels by their mean",
    "bright": "intensities above these (descending) fire ...",
    "bright_ticks": "... at these ticks; window: 0, 1, 2 ... if there are none",
    "dark_tick": "tick of all other intensities, -1 for never",
    "inputs": "budget of input pixels, chosen half way on training images; 0: all",
    "max_silent_intensity": "once trained, intensities up to this never fire; 0: as trained",
    "alive_share": "share of hidden neurons that fire at the start",
    "expected_spikes": "that an output waits for at the start: with more, each weighs less",
    "wake_share": "hidden neurons that fire on a smaller share of images are woken "
    "in the first half of training",
    "leak": "s of hidden layers: a potential loses 2^-s of itself in a tick, 1-8; 0: nothing",
    "leak_out": "s of the outputs, likewise",
    "synapse": "s of the currents of all layers, likewise; 0: there is no current",
    "reset": "of hidden neurons: zero, subtract, once",
    "readout": ", ".join(READOUTS),
    "loss": f"{', '.join(LOSSES)}; empty: that of the readout",
    "surrogate": f"derivative of a spike: {', '.join(SURROGATES)}",
    "slope": "of the surrogate",
    "through_reset": "1: what a spike takes from its neuron has a gradient too",
    "level_sharpness": "of the chance to decide at a tick, per threshold",
    "rival_sharpness": "of the chance to win against the others, per threshold",
    "real_share": "share of training, its first part, in which nothing is rounded",
    "epochs": "times each image is seen",
    "batch": "images per step, fewer of little data",
    "learning_rate": "of Adam, cosine to zero",
    "output_rate": "factor of the learning rate in later layers",
    "warp": "strength of rotations, shifts, scalings and elastic warps",
    "mirror": "share of the images that are mirrored, left to right",
    "smoothing": "share of the label that is spread over all classes",
    "settled": "share of training, its last part, on the machine's own integers",
    "input_noise": "chance that an input spike is lost in training",
    "gradient_limit": "longer gradients are scaled back to this norm",
    "floor": "smallest divisor of a gradient, in thresholds",
    "sharpness": "of the softmax over output times",
    "margin": "how long (in z) outputs compete after the first spike",
    "spike_cost": "of a hidden spike before the decision; window, or with maps: of 1,000 weights "
    "that hidden spikes look up",
    "softness": "of counting those spikes, in z",
    "late_cost": "of each unit of z by which the right output is late",
    "deadline": "in z, from which an output is late",
    "alive_cost": "of weights too small for a neuron ever to fire",
}
"""What each setting of :data:`train.neurons.NEURONS` means on the command line."""


def add_checkpoint(parser: Parser) -> None:
    """Add the folder of a training run, its data, and how its figures are shown."""
    options.add_out(parser, "folder of the checkpoint and all files")
    options.add_data(parser)
    options.add_json(parser)


def add_restart(parser: Parser) -> None:
    """Add that a run begins anew, whatever checkpoint is there."""
    parser.add_argument(
        "--restart", action="store_true", help="begin anew: the checkpoint in DIR is deleted"
    )


def add_threads(parser: Parser) -> None:
    """Add how many threads compute."""
    parser.add_argument(
        "--threads",
        type=whole(1, 1024),
        default=1,
        metavar="N",
        help="of PyTorch (1); more are faster on an idle machine, much slower on a busy one, and "
        "add floats in another order",
    )


def say_epoch(row: Mapping[str, Any], epochs: int) -> None:
    """Say how an epoch went, where no progress bar is shown."""
    if Console(stderr=True).is_terminal:
        return
    figures = [f"loss {row['loss']:.4f}"] if "loss" in row else []
    figures += [f"validation {row['accuracy']:.2%}"]
    figures += [f"{row['reads']:,.0f} reads"] if "reads" in row else []
    text = f"epoch {row['epoch']:.0f} of {epochs}: {', '.join(figures)}"
    print(text, file=sys.stderr, flush=True)


def add_settings(parser: Parser) -> None:
    """Add an option for every setting; one that is not given leaves its setting as it is."""
    names = [name for kind in NEURONS.values() for name in kind.presets]
    parser.add_argument(
        "--neuron",
        type=one_of(*NEURONS),
        metavar="|".join(NEURONS),
        help=f"what is trained ({DEFAULT})",
    )
    parser.add_argument(
        "--preset",
        type=one_of(*names),
        metavar="|".join(names),
        help="a recipe to start from; the options below change it",
    )

    first_names = {name: old for old, name in RENAMED_SETTINGS.items()}
    for key, meaning in SETTINGS.items():
        values = _defaults(key)
        value = values[0][1]
        text = f"{meaning} ({'; '.join(_default(*each, len(values) > 1) for each in values)})"
        unchanged: dict[str, Any] = {"default": argparse.SUPPRESS, "help": text}
        if isinstance(value, tuple):
            parser.add_numbers(option(key), nargs="?", const=(), metavar="N,N", **unchanged)
            continue

        kind, metavar = _kind(value)
        parser.add_argument(option(key), type=kind, metavar=metavar, **unchanged)
        if key in first_names:
            parser.add_old_name(option(first_names[key]), option(key), type=kind)


def _defaults(key: str) -> list[tuple[str, Any]]:
    """Return the kinds that have a setting, and its default in each; equal ones once."""
    found: list[tuple[str, Any]] = []
    for name, kind in NEURONS.items():
        value = getattr(kind.settings(), key, None)
        if value is not None and value not in [each for _, each in found]:
            found.append((name, value))
    return found


def _default(neuron: str, value: Any, named: bool) -> str:
    """Return a default as help shows it, with the kind of neuron where kinds differ."""
    text = (",".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)
    return f"{neuron}: {text}" if named or neuron != DEFAULT else text


def _kind(value: Any) -> tuple[Any, str]:
    """Return the type of an option with such a value, and what its help calls the value."""
    if isinstance(value, str):
        return str, "TEXT"
    return (whole(), "N") if isinstance(value, int) else (real, "X")


def chosen_settings(arguments: argparse.Namespace) -> Settings:
    """Return the preset, or the settings of the checkpoint that is there, or the defaults, changed
    by the options given.

    :raises InputError: a setting is out of range or of another kind of neuron, or the checkpoint is
        damaged.
    """
    checkpoint = arguments.out / CHECKPOINT_FILE
    start: Settings
    if arguments.preset is not None:
        start = next(
            kind.presets[arguments.preset]
            for kind in NEURONS.values()
            if arguments.preset in kind.presets
        )
        origin = f"--preset {arguments.preset}"
    elif checkpoint.exists() and not arguments.restart:
        start, origin = saved_settings(checkpoint), str(checkpoint)
    else:
        start = NEURONS[arguments.neuron or DEFAULT].settings()
        origin = "--neuron"

    if arguments.neuron not in (None, name_of(start)):
        raise InputError(
            f"{origin}: is of --neuron {name_of(start)}; give the same, or another "
            f"{'--preset' if arguments.preset else '--out'}."
        )
    given = {name: value for name, value in vars(arguments).items() if name in SETTINGS}
    return changed(start, given)


def saved_settings(checkpoint: Path) -> Settings:
    """Return the settings of a checkpoint.

    :raises InputError: it is missing or damaged.
    """
    return read_settings(saved_values(checkpoint, read_checkpoint(checkpoint)))


def show(figures: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Print figures for people, or as JSON where ``--json`` says."""
    options.show(figures, arguments.json, lambda: _print(figures))


def _print(figures: dict[str, Any]) -> None:
    for name, value in _lines(figures):
        print(f"{name.replace('_', ' '):28} {value}")


def _lines(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield names and texts of figures, those of a nested object one by one."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{prefix}{name} ")
        else:
            yield prefix + name, f"{value:.4f}" if isinstance(value, float) else str(value)
