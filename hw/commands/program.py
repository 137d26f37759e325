"""``python -m hw program``: a bitstream into a board."""

import argparse
import sys
from pathlib import Path

from hw.boards.table import find_board
from hw.commands.options import add_board
from hw.flow.program import Cable, program
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
    parser.add_argument("--cable", metavar="NAME", help="programmer, if not the board's own")
    parser.add_argument(
        "--ftdi-serial",
        metavar="TEXT",
        help="of the board's FTDI chip, where several are connected",
    )
    parser.add_argument(
        "--busdev-num", metavar="BUS:DEVICE", help="USB bus and device of the board, as 001:004"
    )


def run(arguments: argparse.Namespace) -> int:
    """Load what was built for the board; say before what in its flash is overwritten."""
    board = find_board(arguments.board)
    folder = network_path(arguments.network).parent / board.name
    cable = Cable(arguments.cable, arguments.ftdi_serial, arguments.busdev_num)
    program(board, folder, arguments.flash, cable, lambda text: print(text, file=sys.stderr))
    return 0
