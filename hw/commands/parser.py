"""The commands of ``python -m hw``, a row each."""

from collections.abc import Sequence

from hw.commands import (
    boards,
    build,
    check,
    classify,
    emulate,
    learn,
    program,
    simulate,
    verilog,
)
from sim.commands.command_line import program as command_line

COMMANDS = (
    boards.add,
    check.add,
    verilog.add,
    simulate.add,
    build.add,
    program.add,
    emulate.add,
    classify.add,
    learn.add,
)

EXAMPLE = "simulate build/mnist --limit 100"


def main(words: Sequence[str] | None = None, name: str = "python -m hw") -> int:
    """Parse the command line and run the chosen command; return its exit status.

    :param words: of the command line; None: of this process.
    :param name: how it was called.
    """
    text = (
        "Turn a network into gateware, compare it with the integer machine, and put it on a board."
    )
    arguments = command_line(name, text, EXAMPLE, COMMANDS).parse_args(words)
    return arguments.run(arguments)
