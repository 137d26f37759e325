"""The seats of the compiled machine: which part's code runs is chosen by the type of its compiled
form, when a loop is compiled.

A part's compiled form is a named tuple of what its functions need to know; the functions are static
methods of the named tuple, in the subset of Python that numba compiles. Here each of them has a
name that loops call; the first argument says whose it is.

numba keeps compiled loops in ``__pycache__`` and compiles a loop again when its own file changes:
after a change of a part's compiled form delete the ``__pycache__`` of the loops that call it.
"""

from collections.abc import Callable
from typing import Any, cast

import numba
from numba.extending import overload  # pyright: ignore[reportUnknownVariableType]

jit = cast(Any, numba.njit)
_overload = cast(Callable[[Any], Callable[[Any], Any]], overload)


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
