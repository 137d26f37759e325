"""``python -m hw emulate``: a board without a board, at a pseudo-terminal."""

import argparse
import contextlib
import signal
import sys
from collections.abc import Generator
from pathlib import Path

from hw.bench.emulate import Terminal, VirtualBoard, serve
from hw.commands.options import add_board, add_lanes, add_variant, machine
from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.console import progress_bar
from sim.errors import InputError

EXAMPLE = "build/mnist --lanes 20"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "emulate", "run a virtual board", EXAMPLE, run)
    options.add_network(parser)
    add_lanes(parser)
    add_variant(parser)
    add_board(parser, required=False, text="store the weights as on this board")
    parser.add_argument(
        "--port",
        type=Path,
        metavar="LINK",
        help="also offer the port under this name, as a symbolic link",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the board's gateware until Ctrl-C."""
    parameters = machine(arguments)
    link: Path | None = arguments.port
    if link is not None and (link.exists() or link.is_symlink()):
        raise InputError(f"--port: {link} exists; give another name, or remove it.")
    with progress_bar() as bar:
        bar.add_task("compiling the board", total=None)
        board = VirtualBoard(parameters)

    # both take the link away; a shell's background job ignores the first
    for ends in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ends, signal.default_int_handler)
    try:
        with _offered(link) as terminal:
            print("a board is there until Ctrl-C", file=sys.stderr)
            serve(board, terminal)
    finally:
        board.close()
    return 0


@contextlib.contextmanager
def _offered(link: Path | None) -> Generator[Terminal]:
    """Offer a terminal, under a name of the user's if there is one, and say so."""
    terminal = Terminal()
    try:
        if link is not None:
            link.symlink_to(terminal.port)
        print(link or terminal.port, flush=True)
        yield terminal
    finally:
        if link is not None:
            link.unlink(missing_ok=True)
        terminal.close()
