"""What the three command lines share on a terminal: exit status and progress bars."""

import os
import sys
from collections.abc import Callable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sim.errors import InputError

BAD_INPUT = 2
"""Exit status for anything the user can mend."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it."""


def run_command(main: Callable[[], int | None]) -> None:
    """Run a command line and exit: an :class:`sim.errors.InputError` or a failed file operation is
    one sentence and status 2.
    """
    try:
        status = main() or 0
        sys.stdout.flush()
    except BrokenPipeError:  # the reader went away: `sim run DIR --images x.npy | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        status = BAD_INPUT
    except ModuleNotFoundError as error:
        remedy = (
            "this command needs Linux or macOS"
            if error.name in sys.stdlib_module_names
            else "`pip install -e '.[train,hw]'` brings all tools"
        )
        print(f"error: {error.name} is not installed; {remedy}.", file=sys.stderr)
        status = BAD_INPUT
    except OSError as error:
        print(f"error: {error.filename or 'file'}: {error.strerror or error}.", file=sys.stderr)
        status = BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted; finished files are kept, no file is half written", file=sys.stderr)
        status = INTERRUPTED

    sys.exit(status)


def progress_bar(shown: bool = True) -> Progress:
    """Return a progress bar on the terminal's error stream, so that standard output stays clean for
    JSON.
    """
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not (shown and console.is_terminal),  # a log file needs no bar
        transient=True,
    )
