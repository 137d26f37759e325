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

HERE = Path(__file__).parent
FOLDERS = ("connections", "encoders", "learning", "readouts")
"""Where the code of compiled loops comes from, in addition to the files of this folder."""

_config = cast(Any, numba).config
_overload = cast(Callable[[Any], Callable[[Any], Any]], overload)


@cache
def cache_folder() -> Path:
    """Return the folder of what is compiled from the files as they are."""
    sha = hashlib.sha256()
    for folder in (HERE, *(HERE / name for name in FOLDERS)):
        for file in sorted(folder.glob("*.py")):
            sha.update(file.name.encode() + file.read_bytes())
    return Path(_config.CACHE_DIR or HERE / "__pycache__") / f"compiled-{sha.hexdigest()[:16]}"


def most_threads() -> int:
    """Return how many threads compiled loops may use: NUMBA_NUM_THREADS, by default one per core.

    numba is not asked itself, as that would start its threads.
    """
    return int(_config.NUMBA_NUM_THREADS)


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a loop, and keeps it for the next process."""

    def decorate(function: Callable[..., Any]) -> Any:
        # numba asks for the folder once, when it decorates
        before, _config.CACHE_DIR = _config.CACHE_DIR, str(cache_folder())
        try:
            return cast(Any, numba.njit)(cache=True, **options)(function)
        finally:
            _config.CACHE_DIR = before

    return decorate


def spikes_by_tick(encoder: Any, samples: Any, index: Any, last_tick: Any) -> Any:
    """Return the inputs that fire in sample ``index``, sorted by tick, then by index, and where
    each tick begins: the inputs of tick k are order[starts[k]:starts[k + 1]].
    """
    raise NotImplementedError("only compiled code can call this")


def start(readout: Any, classes: Any) -> Any:
    """Return what a readout remembers during one sample."""
    raise NotImplementedError("only compiled code can call this")


def decide(readout: Any, memory: Any, potential: Any) -> Any:
    """Return (ended, winner) from the potentials (classes,) of one tick."""
    raise NotImplementedError("only compiled code can call this")


@_overload(spikes_by_tick)
def _spikes_by_tick(encoder: Any, samples: Any, index: Any, last_tick: Any) -> Any:
    return encoder.instance_class.spikes_by_tick


@_overload(start)
def _start(readout: Any, classes: Any) -> Any:
    return readout.instance_class.start


@_overload(decide)
def _decide(readout: Any, memory: Any, potential: Any) -> Any:
    return readout.instance_class.decide
