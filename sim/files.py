"""Files that are written whole or not at all, and folders for what can be made again."""

import contextlib
import os
import tempfile
from collections.abc import Generator
from functools import cache
from pathlib import Path

from sim.errors import InputError

APPLICATION = "firstspike"
"""Our folder in the user's cache."""

AnyPath = str | os.PathLike[str]
"""What a public function takes where it needs a path: text as well, as in a notebook."""


@contextlib.contextmanager
def atomic_path(path: AnyPath) -> Generator[Path]:
    """Yield a path in the folder of ``path`` to write to; it replaces ``path`` only if the block
    succeeds.

    A full disk, an exception or Ctrl-C leaves the earlier file untouched and no other file.

    :raises InputError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
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


def is_writable(folder: AnyPath) -> bool:
    """Whether files can be made in a folder; it is made if it is not there.

    The file system is asked, for permissions alone do not tell: it may be mounted for reading, or
    the user may be root.
    """
    folder = Path(folder)
    # without any home, `~` stays as it is, and would become a folder of the current one
    if not folder.is_absolute():
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def user_cache(application: str = APPLICATION) -> Path:
    """Return the user's cache of an application, which may not be writable."""
    # only here: the machine itself needs NumPy and safetensors alone
    import platformdirs

    return platformdirs.user_cache_path(application, appauthor=False)


@cache
def cache_folder(application: str = APPLICATION) -> Path:
    """Return a folder for what can be made again: the user's cache, or, where that cannot be
    written, one that is removed when this process ends.
    """
    folder = user_cache(application)
    if is_writable(folder):
        return folder
    return Path(_scratch(application).name)


@cache
def _scratch(application: str) -> "tempfile.TemporaryDirectory[str]":
    """Return a temporary folder, which the cache of this function keeps as long as the process."""
    return tempfile.TemporaryDirectory(prefix=f"{application}-", ignore_cleanup_errors=True)
