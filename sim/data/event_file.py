"""Event files: samples of spikes with their labels, in one NumPy archive.

| array | type | meaning |
|---|---|---|
| ``tick`` | int32 (n,) | of every event, of all samples one after the other |
| ``input`` | int32 (n,) | which input neuron spikes |
| ``start`` | int64 (samples + 1,) | where each sample begins, and the end of the last one |
| ``label`` | int64 (samples,) | class index; can be absent |

Within a sample ticks do not fall.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.encoders.events import EventList
from sim.errors import InputError
from sim.files import AnyPath, atomic_path
from sim.reading import read_arrays

ARRAYS = ("tick", "input", "start", "label")


def read_events(path: AnyPath) -> EventList:
    """Read an event file; events of one tick are sorted by input.

    :raises InputError: the file is missing, is none, or its arrays do not fit each other.
    """
    path = Path(path)
    arrays = read_arrays(path, ARRAYS)
    for name in ARRAYS[:3]:
        if name not in arrays:
            raise InputError(f"{path}: array {name} is missing; add it.")
    try:
        return _sorted(**arrays)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def write_events(path: AnyPath, events: EventList) -> None:
    """Write an event file, whole or not at all.

    :raises InputError: it cannot be written.
    """
    arrays = {name: getattr(events, name) for name in ARRAYS}
    with atomic_path(Path(path)) as temporary, temporary.open("wb") as file:
        # an open file, as NumPy would add .npz to a name
        np.savez_compressed(
            file, **{name: array for name, array in arrays.items() if array is not None}
        )


def _sorted(
    tick: npt.NDArray[Any],
    input: npt.NDArray[Any],
    start: npt.NDArray[Any],
    label: npt.NDArray[Any] | None = None,
) -> EventList:
    """Return the samples, with the inputs of each tick in order."""
    plain = all(each.ndim == 1 and each.dtype.kind == "i" for each in (tick, input, start))
    if plain and len(tick) == len(input):
        where = np.searchsorted(start[1:], np.arange(len(tick)), side="right")
        falls = (np.diff(tick) < 0) & (np.diff(where) == 0)
        if not falls.any():
            order = np.lexsort((input, tick, where))
            tick, input = tick[order], input[order]
    return EventList(tick, input, start, label)
