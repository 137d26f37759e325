"""The commands of ``python -m train``: fit, evaluate, export, learn, sweep."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.errors import InputError
from sim.files import atomic_path
from train.commands import learn as learn_command
from train.commands import sweep as sweep_command
from train.data import load
from train.evaluate import evaluate
from train.export import export
from train.fit import CHECKPOINT_FILE, Training, fit, read_checkpoint
from train.parallel import joined, under_torchrun
from train.prune import without_faint
from train.settings import PRESETS, Settings

OPTIONS = {
    "dataset": "mnist, fashion-mnist or yin-yang (generated, small)",
    "seed": "of weights, order, warps and noise",
    "hidden": "sizes of the hidden layers",
    "bits": "of the weights, 2-8, one or per layer; nothing for real weights and continuous times",
    "ticks_per_unit": "R: ticks in a unit of z",
    "last_tick": "an image without an output spike after it has timed out",
    "pool": "2: replace each 2x2 pixels by their mean",
    "bright": "intensities above these (descending) fire ...",
    "bright_ticks": "... at these ticks",
    "dark_tick": "tick of all other intensities, -1 for never",
    "inputs": "budget of input pixels, chosen half way on training images; 0: all",
    "faint": "once trained, intensities up to this never fire; 0: as trained",
    "alive_share": "share of hidden neurons that fire at the start",
    "expected_spikes": "that an output waits for at the start: with more, each weighs less",
    "wake_share": "hidden neurons that fire on a smaller share of images are woken in the first half of training",
    "epochs": "times each image is seen",
    "batch": "images per step",
    "learning_rate": "of Adam, cosine to zero",
    "output_rate": "later layers learn so many times faster",
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
"""What each field of :class:`train.settings.Settings` means on the command line."""


def main() -> int:
    """Parse the command line and run the chosen command."""
    arguments = _parser().parse_args()
    if under_torchrun() and arguments.command not in ("fit", "export"):
        raise InputError(
            f"torchrun: is for fit and export; start `python -m train {arguments.command}` without it."
        )
    own = {"fit": _fit, "evaluate": _evaluate, "export": _export}
    commands = {**own, "learn": learn_command.command, "sweep": sweep_command.command}
    return commands[arguments.command](arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description="Train a network in which the first output spike is the answer, and export it as integers.",
        epilog="example: python -m train export --out build/mnist",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="fit | evaluate | export | learn | sweep"
    )
    settings = argparse.ArgumentParser(add_help=False)
    _add_settings(settings)
    text = "train, or go on training; `torchrun --nproc-per-node N -m train fit ...` does so in N processes"
    command = _command(commands, "fit", text, f"{EXAMPLE} fit --out build/mnist --seed 2", settings)
    command.add_argument("--tensorboard", action="store_true", help="log to DIR/tensorboard")
    text = "train unless DIR has a trained checkpoint, then write network and vectors"
    _command(
        commands,
        "export",
        text,
        f"{EXAMPLE} export --out build/small --hidden 200 --bits 4",
        settings,
    )
    _command(
        commands,
        "evaluate",
        "figures of a checkpoint",
        f"{EXAMPLE} evaluate --out build/mnist --json -",
    )
    example = f"example: {learn_command.EXAMPLE}"
    learn = commands.add_parser(
        "learn", help="learn in place, in integers", description="Learn in place.", epilog=example
    )
    learn_command.add_arguments(learn)
    example = f"example: {sweep_command.EXAMPLE}"
    text = "train many networks on a Dask cluster"
    sweep_command.add_arguments(
        commands.add_parser("sweep", help=text, description=text, epilog=example)
    )
    return parser


EXAMPLE = "python -m train"


def _command(
    commands: Any, name: str, text: str, example: str, *parents: Any
) -> argparse.ArgumentParser:
    epilog = f"example: {example}"
    parser = commands.add_parser(name, help=text, description=text, epilog=epilog, parents=parents)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the checkpoint and all files",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set's IDX files"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures as JSON; - for standard output"
    )
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset", choices=PRESETS, help="a recipe to start from; the options below change it"
    )
    standard = Settings()
    for field in fields(Settings):
        value = getattr(standard, field.name)
        many = isinstance(value, tuple)
        shown = " ".join(map(str, value)) if many else value
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type(value[0]) if many else type(value),
            nargs="*" if many else None,
            default=argparse.SUPPRESS,
            metavar="TEXT"
            if isinstance(value, str)
            else "N"
            if many or isinstance(value, int)
            else "X",
            help=f"{OPTIONS[field.name]} ({shown})",
        )


def _settings(arguments: argparse.Namespace) -> Settings:
    """Take the preset, or the settings of the checkpoint that is there, or the defaults; then the
    options given.
    """
    checkpoint = arguments.out / CHECKPOINT_FILE
    if arguments.preset is not None:
        settings = PRESETS[arguments.preset]
    elif checkpoint.exists():
        settings = _saved_settings(checkpoint)
    else:
        settings = Settings()
    given: dict[str, Any] = {
        name: value for name, value in vars(arguments).items() if name in OPTIONS
    }
    return replace(
        settings,
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given.items()
        },
    )


def _saved_settings(checkpoint: Path) -> Settings:
    return Settings.from_json(json.loads(read_checkpoint(checkpoint)["settings"]))


def _fit(arguments: argparse.Namespace) -> int:
    training = _train(arguments, _settings(arguments), arguments.tensorboard)
    if training.processes.first:
        _show(training.history[-1], arguments)
    return 0


def _train(
    arguments: argparse.Namespace, settings: Settings, tensorboard: bool = False
) -> Training:
    split = load(settings.dataset, arguments.data)
    checkpoint = arguments.out / CHECKPOINT_FILE
    with joined() as processes:
        if not (tensorboard and processes.first):
            return fit(split, settings, checkpoint, processes=processes)
        from torch.utils.tensorboard import SummaryWriter  # slow to import, and rarely asked for

        with SummaryWriter(str(arguments.out / "tensorboard")) as writer:

            def log(row: dict[str, float]) -> None:
                for name, value in row.items():
                    writer.add_scalar(name, value, int(row["epoch"]))

            return fit(split, settings, checkpoint, log, processes)


def _evaluate(arguments: argparse.Namespace) -> int:
    checkpoint = arguments.out / CHECKPOINT_FILE
    settings = _saved_settings(checkpoint)
    split = load(settings.dataset, arguments.data)
    training = Training(split, settings)
    training.restore(checkpoint)
    parts = {"validation": split.validation, "test": split.test}
    network = without_faint(training.network, settings.faint)
    figures = {name: evaluate(network, part) for name, part in parts.items()}
    _show({"epochs": training.epoch, **figures}, arguments)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    if settings.layer_bits() is None:
        raise InputError(
            "--bits: a network of real weights has no integer form; train with --bits 8."
        )
    training = _train(arguments, settings)
    if not training.processes.first:
        return 0
    network = without_faint(training.network, settings.faint)
    figures = export(network, training.split, settings, arguments.out)
    _show(figures, arguments)
    return 0


def _show(figures: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Print figures for people, or as JSON where ``--json`` says."""
    text = json.dumps(figures, indent=2)
    if arguments.json == Path("-"):
        print(text)
        return
    if arguments.json is not None:
        with atomic_path(arguments.json) as beside:
            beside.write_text(text + "\n", encoding="utf-8")
    for name, value in _lines(figures):
        Console().print(f"{name.replace('_', ' '):28} {value}", highlight=False, soft_wrap=True)


def _lines(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield names and texts of figures, those of a nested object one by one."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{prefix}{name} ")
        else:
            yield prefix + name, f"{value:.4f}" if isinstance(value, float) else str(value)
