"""``python -m hw program``: a bitstream into a board."""

import argparse
from pathlib import Path

from hw.boards.table import find_board
from hw.commands.options import add_board
from hw.flow.program import program
from sim.commands.command_line import Commands, add_command
from sim.file import network_path

EXAMPLE = "build/mnist --board icebreaker"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "program", "load a bitstream", EXAMPLE, run)
    parser.add_argument("network", type=Path, metavar="DIR", help="folder given to `hw build`")
    add_board(parser)
    parser.add_argument(
        "--flash", action="store_true", help="into the board's flash, so that it stays"
    )


def run(arguments: argparse.Namespace) -> int:
    """Load what was built for the board."""
    board = find_board(arguments.board)
    program(board, network_path(arguments.network).parent / board.name, arguments.flash)
    return 0
