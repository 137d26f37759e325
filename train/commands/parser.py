"""The commands of ``python -m train``, a row each."""

from collections.abc import Sequence

from sim.commands.command_line import program
from sim.errors import InputError
from train.commands import evaluate, export, fit, learn, sweep
from train.parallel import under_torchrun

COMMANDS = (fit.add, evaluate.add, export.add, learn.add, sweep.add)

EXAMPLE = "export --out build/mnist"

IN_PROCESSES = ("fit", "export")
"""Commands that several processes do together."""


def main(words: Sequence[str] | None = None, name: str = "python -m train") -> int:
    """Parse the command line and run the chosen command; return its exit status.

    :param words: of the command line; None: of this process.
    :param name: how it was called.
    """
    text = (
        "Train a network in which the first output spike is the answer, and export it as integers."
    )
    arguments = program(name, text, EXAMPLE, COMMANDS).parse_args(words)
    if under_torchrun() and arguments.command not in IN_PROCESSES:
        raise InputError(
            f"torchrun: is for {' and '.join(IN_PROCESSES)}; "
            f"start `python -m train {arguments.command}` without it."
        )
    return arguments.run(arguments)
