"""``firstspike train | sim | hw``: the three command lines under one name, wherever it is called.

``python -m train`` looks for ``train`` in the current folder first, and would run a ``train.py``
that somebody keeps there. A console script looks only where packages are installed.
"""

import argparse
import importlib
from collections.abc import Sequence

from sim.commands.command_line import Parser, one_of
from sim.console import run_command

PACKAGES = {
    "train": "train a network and export it as integers",
    "sim": "run a network on the integer machine",
    "hw": "turn a network into gateware and put it on a board",
}


def main() -> None:
    """Run the command line of a package, and exit."""
    run_command(start)


def start(words: Sequence[str] | None = None) -> int:
    """Run the command line of a package; return its exit status.

    :param words: of the command line; None: of this process.
    """
    rows = "\n".join(f"  {name:7}{text}" for name, text in PACKAGES.items())
    parser = Parser(
        prog="firstspike",
        description=f"From PyTorch to a small FPGA.\n\n{rows}",
        epilog="example: firstspike hw check build/mnist --board icebreaker",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = "|".join(PACKAGES)
    parser.add_argument("package", type=one_of(*PACKAGES), metavar=names, help="whose command")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see its --help")
    chosen = parser.parse_args(words)

    # only now, as torch and Amaranth take seconds, and need not be there for the others
    commands = importlib.import_module(f"{chosen.package}.commands.parser")
    return commands.main(chosen.rest, f"firstspike {chosen.package}")
