"""The commands of ``python -m sim``, a row each."""

from collections.abc import Sequence

from sim.commands import describe, encode, frontier, neuron, report, run
from sim.commands.command_line import program

COMMANDS = (run.add, report.add, describe.add, frontier.add, encode.add, neuron.add)

EXAMPLE = "report build/mnist --dataset mnist --html build/mnist/report.html"


def main(words: Sequence[str] | None = None, name: str = "python -m sim") -> int:
    """Parse the command line and run the chosen command; return its exit status.

    :param words: of the command line; None: of this process.
    :param name: how it was called.
    """
    text = "Run a network on the integer machine and report how few weights it looks up."
    arguments = program(name, text, EXAMPLE, COMMANDS).parse_args(words)
    return arguments.run(arguments)
