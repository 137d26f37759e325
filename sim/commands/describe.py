"""``python -m sim describe``: what a network is."""

import argparse

from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.console import console
from sim.file import load
from sim.report.describe import describe, table

EXAMPLE = "build/mnist --json"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "describe", "sizes, widths, memory", EXAMPLE, run)
    options.add_network(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Describe a network."""
    network = load(arguments.network)
    options.show(describe(network), arguments.json, lambda: console().print(table(network)))
    return 0
