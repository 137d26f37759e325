"""``python -m train fit``: train a network, or go on training it."""

import argparse
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from sim.commands.command_line import Commands, add_command
from train.checkpoint import CHECKPOINT_FILE
from train.commands.options import (
    add_checkpoint,
    add_restart,
    add_settings,
    add_threads,
    chosen_settings,
    say_epoch,
    show,
)
from train.data import load
from train.fit import run as go_on
from train.neurons import Run, Settings, start_run
from train.parallel import joined

EXAMPLE = "--out build/mnist --seed 2"

MOST_LATE = 0.05
"""Share of late decisions above which a network is not what was meant."""


def add(commands: Commands) -> None:
    """Declare the command."""
    text = (
        "train, or go on training; "
        "`torchrun --nproc-per-node N -m train fit ...` does so in N processes"
    )
    parser = add_command(commands, "fit", text, EXAMPLE, run)
    add_settings(parser)
    add_checkpoint(parser)
    add_restart(parser)
    add_threads(parser)
    parser.add_argument("--tensorboard", action="store_true", help="log to DIR/tensorboard")


def run(arguments: argparse.Namespace) -> int:
    """Train, and show the figures of the last epoch."""
    training = train(arguments, chosen_settings(arguments), arguments.tensorboard)
    if training.processes.first:
        show(training.history[-1], arguments)
    return 0


def train(arguments: argparse.Namespace, settings: Settings, tensorboard: bool = False) -> Run:
    """Train as the command line says, alone or as one of several processes; say how each epoch
    went.

    :raises InputError: as in training.
    """
    split = load(settings.dataset, arguments.data)
    checkpoint = arguments.out / CHECKPOINT_FILE
    if arguments.restart:
        checkpoint.unlink(missing_ok=True)
    torch.set_num_threads(arguments.threads)

    with joined() as processes:
        training = start_run(split, settings, processes)
        shown = tensorboard and processes.first
        with _logger(arguments.out / "tensorboard") if shown else nullcontext(_no_log) as log:

            def report(row: dict[str, float]) -> None:
                log(row)
                if processes.first:
                    say_epoch(row, settings.epochs)

            go_on(training, checkpoint, report)

        if processes.first:
            _warn_of_late_decisions(training.history[-1])
        return training


def _no_log(row: Mapping[str, float]) -> None:
    """Log nothing."""


@contextmanager
def _logger(folder: Path) -> Generator[Callable[[Mapping[str, float]], None]]:
    """Yield what logs a row of the history to a folder, for TensorBoard."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and rarely asked for

    with SummaryWriter(str(folder)) as writer:

        def log(row: Mapping[str, float]) -> None:
            for name, value in row.items():
                writer.add_scalar(name, value, int(row["epoch"]))

        yield log


def _warn_of_late_decisions(row: Mapping[str, float]) -> None:
    """Say so where too many images have timed out."""
    if row["timeouts"] > MOST_LATE:
        print(
            f"warning: {row['timeouts']:.1%} of the validation images are decided late, after the "
            "last tick; train longer (--epochs), in more steps (--batch), at a smaller "
            "--learning-rate, or give more time (--last-tick)",
            file=sys.stderr,
        )
