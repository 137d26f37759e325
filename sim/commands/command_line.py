"""What the command lines of the three packages have in common: how they are parsed, and how they
fail.

A package's commands are files, each with ``add(commands)``, which declares its options, and
``run(arguments)``, which returns an exit status. Bad options end as all bad input does: one
sentence, exit status 2.
"""

import argparse
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from sim.errors import InputError

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # pyright: ignore[reportPrivateUsage]
"""What a command is added to."""

Add: TypeAlias = Callable[[Commands], None]
"""Declares a command and its options."""

STANDARD_OUTPUT = Path("-")
"""``--json`` without a file, or with this one: JSON on standard output."""

_NUMBERS = re.compile(r"-?\d[\d,]*")
"""Words that belong to the list before them."""

_PREFIX = re.compile(r"argument ([^:/]+)[^:]*: (.*)", re.DOTALL)
"""How argparse says which argument is wrong: by all its names, of which the first is enough."""


class Parser(argparse.ArgumentParser):
    """A parser that raises one sentence instead of printing its usage.

    Lists of numbers are written with commas; words of numbers that follow, as in
    ``--hidden 400 200``, belong to the list as well.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # an abbreviation of one option would change its meaning with the next option
        super().__init__(*arguments, allow_abbrev=False, **options)
        self._lists: list[str] = []
        self._optional_files: list[str] = []

    def add_numbers(
        self, name: str, *, count: int | None = None, old: str | None = None, **options: Any
    ) -> None:
        """Add an option whose value is a list of whole numbers.

        :param count: how many of them; None: any number.
        :param old: an earlier name of the option, which is still accepted.
        """
        self._lists.append(name)
        self.add_argument(name, type=numbers(count), **options)
        if old is not None:
            self._lists.append(old)
            self.add_old_name(old, name, type=numbers(count))

    def add_old_name(self, old: str, name: str, **options: Any) -> None:
        """Accept an earlier name of an option, without showing it."""
        target = name.lstrip("-").replace("-", "_")
        hidden: dict[str, Any] = {"help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
        self.add_argument(old, dest=target, **hidden, **options)

    def add_optional_file(self, name: str, **options: Any) -> None:
        """Add an option whose value is a file to write, or none for standard output."""
        self._optional_files.append(name)
        self.add_argument(
            name, type=Path, nargs="?", const=STANDARD_OUTPUT, metavar="FILE", **options
        )

    def parse_known_args(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse as ``argparse`` does, after numbers were joined to their lists."""
        words = None if args is None else self._joined(args)
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong as one sentence.

        :raises InputError: always.
        """
        found = _PREFIX.fullmatch(message)
        if found is None:
            raise InputError(f"{message}; `{self.prog} --help` lists what it takes.")
        name, problem = found.groups()
        raise InputError(f"{name}: {problem.rstrip('.')}.")

    def _joined(self, words: Iterable[str]) -> list[str]:
        """Return the words with each list in one word, ``--hidden=400,200``.

        A folder is never a file to write: where one follows such an option, it is another argument.
        """
        found: list[str] = []
        rest = deque(words)
        while rest:
            word = rest.popleft()
            if word in self._lists:
                values: list[str] = []
                while rest and _NUMBERS.fullmatch(rest[0]):
                    values.append(rest.popleft())
                word = f"{word}={','.join(values)}" if values else word
            found.append(word)

            if word in self._optional_files and rest and Path(rest[0]).is_dir():
                found.append(str(STANDARD_OUTPUT))
        return found


def program(
    name: str, description: str, example: str, commands: Iterable[Add]
) -> argparse.ArgumentParser:
    """Return the parser of a package's command line.

    :param name: how it is called, as in ``python -m sim``.
    :param example: what is written behind that.
    :param commands: the function ``add`` of each, in the order of the help.
    """
    parser = Parser(prog=name, description=description, epilog=f"example: {name} {example}")
    chosen: Commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in commands:
        add(chosen)
    return parser


def add_command(
    commands: Commands,
    name: str,
    text: str,
    example: str,
    run: Callable[[argparse.Namespace], int],
) -> Parser:
    """Add a command, which ``run`` does; return its parser.

    :param text: what it does, in a few words.
    :param example: what is written behind its name.
    """
    epilog = f"example: %(prog)s {example}"
    parser = commands.add_parser(name, help=text, description=text, epilog=epilog)
    parser.set_defaults(run=run)
    return parser


def whole(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """Return the type of an option that is a whole number in ``low`` .. ``high``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a whole number, not {text}") from None
        if low is not None and value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, not {value}")
        if high is not None and value > high:
            raise argparse.ArgumentTypeError(f"must be at most {high}, not {value}")
        return value

    return parse


def real(text: str) -> float:
    """Parse the value of an option that is a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text}") from None


def numbers(count: int | None = None) -> Callable[[str], tuple[int, ...]]:
    """Return the type of an option that is a list of whole numbers, ``count`` of them if given."""

    def parse(text: str) -> tuple[int, ...]:
        try:
            values = tuple(int(word) for word in re.split(r"[,\s]+", text.strip(", ")))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"must be whole numbers with commas between them, not {text}"
            ) from None
        if count not in (None, len(values)):
            raise argparse.ArgumentTypeError(f"must be {count} whole numbers, not {len(values)}")
        return values

    return parse


def one_of(*names: str) -> Callable[[str], str]:
    """Return the type of an option that is one of a few words."""

    def parse(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(names)}, not {text}")
        return text

    return parse
