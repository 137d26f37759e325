"""Files that are written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from sim.errors import InputError

AnyPath = str | os.PathLike[str]
"""What a public function takes where it needs a path: text as well, as in a notebook."""


@contextlib.contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """Yield a path in the folder of ``path`` to write to; it replaces ``path`` only if the block
    succeeds.

    A full disk, an exception or Ctrl-C leaves the earlier file untouched and no other file.

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

    # in the same folder, so that replacing is one step of the file system
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); the earlier file is untouched."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
