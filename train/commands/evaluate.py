"""``python -m train evaluate``: accuracy and cost of a checkpoint."""

import argparse

import torch

from sim.commands.command_line import Commands, add_command, one_of
from train.checkpoint import CHECKPOINT_FILE
from train.commands.options import add_checkpoint, add_threads, saved_settings, show
from train.data import load
from train.evaluate import evaluate
from train.neurons import start_run
from train.parallel import ALONE

EXAMPLE = "--out build/mnist --json"

PARTS = ("train", "validation", "test")
"""The parts of a data set."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "evaluate", "figures of a checkpoint", EXAMPLE, run)
    add_checkpoint(parser)
    add_threads(parser)
    parser.add_argument(
        "--part",
        type=one_of(*PARTS),
        metavar="|".join(PARTS),
        help="of the data set (validation and test)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show the figures on validation and test images, or on the part asked for."""
    torch.set_num_threads(arguments.threads)
    checkpoint = arguments.out / CHECKPOINT_FILE
    settings = saved_settings(checkpoint)
    split = load(settings.dataset, arguments.data)
    training = start_run(split, settings, ALONE)
    training.restore(checkpoint)

    parts = ("validation", "test") if arguments.part is None else (arguments.part,)
    figures = {name: evaluate(training.result(), getattr(split, name)) for name in parts}
    show({"epochs": training.epoch, **figures}, arguments)
    return 0
