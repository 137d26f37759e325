"""Files that are written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from sim.errors import InputError


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
