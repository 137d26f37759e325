"""What the three command lines share: one-sentence errors, whole files or none, progress bars."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Generator
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

BAD_INPUT = 2
"""Exit status for anything the user can mend."""

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one sentence with the file, the key
    and the remedy.
    """


def run_command(main: Callable[[], int | None]) -> None:
    """Run a command line and exit: an :class:`InputError` or a failed file operation is one
    sentence and status 2.
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
        print(
            f"error: {error.name} is not installed; `pip install -e '.[train,hw]'` brings all tools.",
            file=sys.stderr,
        )
        status = BAD_INPUT
    except OSError as error:
        print(f"error: {error.filename or 'file'}: {error.strerror or error}.", file=sys.stderr)
        status = BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted; finished files are kept, no file is half written", file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)


@contextlib.contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """Yield a path beside ``path`` to write to; it takes ``path``'s place only if the block
    succeeds.

    A full disk, an exception or Ctrl-C leaves the earlier file untouched and nothing beside it.

    :raises InputError: the folder cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); choose another folder."
        ) from error
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o644)
        beside.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); the earlier file is untouched."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


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
        disable=not (shown and console.is_terminal),  # a log file wants no bar
        transient=True,
    )
