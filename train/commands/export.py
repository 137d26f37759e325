"""``python -m train export``: a trained network as integers."""

import argparse

from sim.commands.command_line import Commands, add_command
from sim.errors import InputError
from train.commands.fit import train
from train.commands.options import (
    add_checkpoint,
    add_restart,
    add_settings,
    add_threads,
    chosen_settings,
    show,
)
from train.export import export

EXAMPLE = "--out build/small --hidden 200 --bits 4"


def add(commands: Commands) -> None:
    """Declare the command."""
    text = "train unless DIR has a trained checkpoint, then write network and vectors"
    parser = add_command(commands, "export", text, EXAMPLE, run)
    add_settings(parser)
    add_checkpoint(parser)
    add_restart(parser)
    add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train what is not trained, and write the network; the first process does that."""
    settings = chosen_settings(arguments)
    if settings.layer_bits() is None:
        raise InputError(
            "--bits: a network of real weights has no integer form; train with --bits 8."
        )
    training = train(arguments, settings)
    if training.processes.first:
        figures = export(training.result(), training.split, settings, arguments.out)
        show(figures, arguments)
    return 0
