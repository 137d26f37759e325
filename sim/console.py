"""What the three command lines share on a terminal: exit status and progress bars."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sim.errors import InputError, one_line

BAD_INPUT = 2
"""Exit status for anything the user can mend."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it."""


def run_command(main: Callable[[], int | None]) -> None:
    """Run a command line and exit: an :class:`sim.errors.InputError` or a failed file operation is
    one sentence and status 2.
    """
    _open_streams()
    try:
        status = main() or 0
        sys.stdout.flush()
    except BrokenPipeError:  # the reader went away: `sim run DIR --images x.npy | head`
        status = 0
    except InputError as error:
        status = _fail(str(error))
    except ModuleNotFoundError as error:
        remedy = (
            "this command needs Linux or macOS"
            if error.name in sys.stdlib_module_names
            else "`pip install -e '.[train,hw]'` brings all tools"
        )
        status = _fail(f"{error.name} is not installed; {remedy}.")
    except OSError as error:
        status = _fail(f"{error.filename or 'file'}: {error.strerror or error}.")
    except KeyboardInterrupt:
        print("interrupted; finished files are kept, no file is half written", file=sys.stderr)
        status = INTERRUPTED

    _close_output()
    sys.exit(status)


def _fail(problem: str) -> int:
    """Print what is wrong as one line, whatever is in it; return the exit status."""
    print(f"error: {one_line(problem)}", file=sys.stderr)
    return BAD_INPUT


def _open_streams() -> None:
    """Make standard output and errors take any text, and take them to be there: a caller may have
    closed them (``>&-``).
    """
    # the lowest free number is taken, so no file that is opened later becomes standard output
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)

    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)
        elif isinstance(stream, io.TextIOWrapper):
            # names of files can have bytes that are no text
            stream.reconfigure(errors="backslashreplace")


def _close_output() -> None:
    """Give up what could not be written, lest Python says so once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console(stderr: bool = False) -> Console:
    """Return what prints tables: texts in them are printed as they are, whatever is in brackets."""
    return Console(stderr=stderr, markup=False, emoji=False)


def progress_bar(shown: bool = True) -> Progress:
    """Return a progress bar on the terminal's error stream, so that standard output stays clean for
    JSON.
    """
    errors = console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not (shown and errors.is_terminal),  # a log file needs no bar
        transient=True,
    )
