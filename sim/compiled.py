"""The seats of the compiled machine: which part's code runs is chosen by the type of its compiled
form, when a loop is compiled.

A part's compiled form is a named tuple of what its functions need to know; the functions are static
methods of the named tuple, in the subset of Python that numba compiles. Here each of them has a
name that loops call; the first argument says whose it is.

numba keeps what it compiled in files, and compiles a loop again when the loop's own file changes. A
loop contains the code of parts, and its file names their types; so the folder that keeps it is
chosen by the text of all files that can be in it.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numba
from numba.extending import overload  # pyright: ignore[reportUnknownVariableType]

from sim.files import is_writable, user_cache

HERE = Path(__file__).parent
FOLDERS = ("learning", "readouts")
"""Where the code of compiled loops comes from, in addition to the files of this folder."""

_config = cast(Any, numba).config
_overload = cast(Callable[[Any], Callable[[Any], Any]], overload)


@cache
def compiled_folder() -> Path | None:
    """Return the folder of what is compiled from the files as they are; None: it can be kept
    nowhere, as in a container without a home on a file system that is only read.
    """
    sha = hashlib.sha256()
    for folder in (HERE, *(HERE / name for name in FOLDERS)):
        for file in sorted(folder.glob("*.py")):
            sha.update(file.name.encode() + file.read_bytes())
    name = f"compiled-{sha.hexdigest()[:16]}"
    wanted = _config.CACHE_DIR
    places = [Path(wanted).absolute()] if wanted else [HERE / "__pycache__", user_cache()]
    return next((place / name for place in places if is_writable(place / name)), None)


def most_threads() -> int:
    """Return how many threads compiled loops may use: NUMBA_NUM_THREADS, by default one per core.

    numba is not asked itself, as that would start its threads.
    """
    return int(_config.NUMBA_NUM_THREADS)


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a loop, and keeps it for the next process if it can."""

    def decorate(function: Callable[..., Any]) -> Any:
        folder = compiled_folder()
        if folder is None:
            return cast(Any, numba.njit)(**options)(function)

        # numba asks for the folder once, when it decorates
        before, _config.CACHE_DIR = _config.CACHE_DIR, str(folder)
        try:
            return cast(Any, numba.njit)(cache=True, **options)(function)
        finally:
            _config.CACHE_DIR = before

    return decorate


def inner(function: Callable[..., Any]) -> Any:
    """Compile a part of a loop, which only compiled code calls: a way in for Python would take as
    long again.
    """
    return jit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def start(readout: Any, classes: Any) -> Any:
    """Return what a readout remembers during one sample."""
    raise NotImplementedError("only compiled code can call this")


def is_ended(readout: Any, memory: Any, potential: Any, level: Any) -> Any:
    """Return whether a sample ends, from the outputs' potentials (classes,) and their level."""
    raise NotImplementedError("only compiled code can call this")


def winner(readout: Any, memory: Any, potential: Any, spikes: Any) -> Any:
    """Return the class of a decision, from the outputs' potentials and numbers of spikes."""
    raise NotImplementedError("only compiled code can call this")


@_overload(start)
def _start(readout: Any, classes: Any) -> Any:
    return readout.instance_class.start


@_overload(is_ended)
def _is_ended(readout: Any, memory: Any, potential: Any, level: Any) -> Any:
    return readout.instance_class.ended


@_overload(winner)
def _winner(readout: Any, memory: Any, potential: Any, spikes: Any) -> Any:
    return readout.instance_class.winner
