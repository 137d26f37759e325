"""``python -m train evaluate``: accuracy and cost of a checkpoint."""

import argparse

from sim.commands.command_line import Commands, add_command
from train.commands.options import add_checkpoint, saved_settings, show
from train.data import load
from train.evaluate import evaluate
from train.fit import CHECKPOINT_FILE
from train.neurons import start_run
from train.parallel import ALONE

EXAMPLE = "--out build/mnist --json"


def add(commands: Commands) -> None:
    """Declare the command."""
    add_checkpoint(add_command(commands, "evaluate", "figures of a checkpoint", EXAMPLE, run))


def run(arguments: argparse.Namespace) -> int:
    """Show the figures on validation and test images."""
    checkpoint = arguments.out / CHECKPOINT_FILE
    settings = saved_settings(checkpoint)
    split = load(settings.dataset, arguments.data)
    training = start_run(split, settings, ALONE)
    training.restore(checkpoint)

    parts = {"validation": split.validation, "test": split.test}
    figures = {name: evaluate(training.result(), part) for name, part in parts.items()}
    show({"epochs": training.epoch, **figures}, arguments)
    return 0
