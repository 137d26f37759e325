"""``python -m hw check``: does a network fit a board?"""

import argparse

from hw.boards.table import find_board
from hw.commands.options import (
    add_board,
    add_lanes,
    add_reuse,
    add_variant,
    machine,
    spinner,
    vectors,
)
from hw.flow.check import check, table
from hw.flow.settings import BuildSettings
from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.console import console

EXAMPLE = "build/mnist --board icebreaker"

DOES_NOT_FIT = 1
"""Exit status."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "check", "does it fit?", EXAMPLE, run)
    options.add_network(parser)
    add_board(parser)
    add_lanes(parser)
    add_variant(parser)
    add_reuse(parser, "as `hw build --reuse` needs it")
    options.add_json(parser, "the findings")


def run(arguments: argparse.Namespace) -> int:
    """Show what the design takes, and what to change if it does not fit."""
    board = find_board(arguments.board)
    settings = BuildSettings(machine(arguments), board, board.clock_hz, reuse=arguments.reuse)
    known = vectors(arguments, settings.pipeline.network)
    with spinner() as bar:
        bar.add_task(f"{board.name}: memory mapping")
        findings = check(settings, [] if known is None else known[1])

    options.show(findings.to_json(), arguments.json, lambda: console().print(table(findings)))
    return 0 if findings.fits else DOES_NOT_FIT
