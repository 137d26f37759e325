"""``vectors.safetensors``: samples with their traces, against which pytest, cocotb and a board are
checked alike.

| key | type | meaning |
|---|---|---|
| ``images`` | uint8 (n, height, width) | of a network that takes images |
| ``samples.tick``, ``.input`` | int32 (events,) | of one that takes events, as |
| ``samples.start`` | int64 (n + 1,) | in :class:`sim.encoders.events.EventList` |
| ``decision``, ``tick`` | int32 (n,) | class and tick of the decision |
| ``timed_out`` | bool (n,) | it could have ended earlier, and did not |
| ``potential`` | int32 (n, classes) | of the output layer, after the last advance |
| ``spikes.N`` | int32 (m, 3) | sample, tick, neuron of every event delivered to layer N, in order |
| ``recurrent``, ``bias`` | int32 (n, layers) | rows of the layers' own; where any layer has them |
| ``output_spikes`` | int32 (n, classes) | of outputs whose spikes count |

Metadata: ``format`` = ``ttfs-vectors``, ``version`` = ``1``, ``digest`` (of the network, 8
hexadecimal digits).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.encoders.events import EventList
from sim.errors import InputError, checked_array, require
from sim.file import read_tensors, write_tensors
from sim.files import AnyPath
from sim.network import Network
from sim.neuron import Spike
from sim.pipeline import run
from sim.trace import Trace, difference, has_own_rows

FORMAT = "ttfs-vectors"
VERSION = "1"
VECTORS_FILE = "vectors.safetensors"

EVENTS = ("tick", "input", "start")
"""The arrays of event samples."""

OPTIONAL = ("recurrent", "bias", "output_spikes")
"""What only traces of some networks have."""

WRITERS = (
    "`python -m train export --out DIR` or "
    f"`python -m sim run DIR --images FILE.npy --trace DIR/{VECTORS_FILE}`"
)
"""Who writes such a file."""


def save_vectors(path: AnyPath, network: Network, samples: Any, traces: Sequence[Trace]) -> None:
    """Write samples and their traces.

    :param samples: images uint8 (n, height, width), or an :class:`~sim.encoders.events.EventList`.
    :raises InputError: the file cannot be written.
    """
    tensors: dict[str, npt.NDArray[Any]] = {
        **_arrays_of(samples),
        "decision": np.array([trace.decision for trace in traces], np.int32),
        "tick": np.array([trace.tick for trace in traces], np.int32),
        "timed_out": np.array([trace.timed_out for trace in traces], np.bool_),
        "potential": np.zeros((len(traces), len(network.classes)), np.int32),
    }
    for index, trace in enumerate(traces):
        tensors["potential"][index] = trace.potential
    for key in OPTIONAL:
        values = [getattr(trace, key) for trace in traces]
        if values and values[0] is not None:
            tensors[key] = np.array(values, np.int32)

    # the events of all samples, each with the index of its sample
    for layer in range(len(network.layers)):
        rows = [
            (index, *spike) for index, trace in enumerate(traces) for spike in trace.spikes[layer]
        ]
        tensors[f"spikes.{layer}"] = np.array(rows, np.int32).reshape(-1, 3)

    metadata = {"format": FORMAT, "version": VERSION, "digest": f"{network.digest:08x}"}
    write_tensors(Path(path), tensors, metadata)


def load_vectors(path: AnyPath, network: Network) -> tuple[Any, list[Trace]]:
    """Read samples and traces written by :func:`save_vectors` for this very network; every trace is
    run again on the integer machine, and compared.

    :raises InputError: the file is missing, truncated, foreign, inconsistent, of another network,
        or a trace is not what the network does.
    """
    path = Path(path)
    tensors, metadata = read_tensors(path, FORMAT, VERSION, writer=WRITERS)
    if metadata.get("digest") != f"{network.digest:08x}":
        raise InputError(
            f"{path}: belongs to network {metadata.get('digest')}, not {network.digest:08x}; "
            "export both."
        )

    try:
        samples = _samples_of(tensors)
        count = network.encoder.count(samples, network.last_tick)
        _check(tensors, network, count)
        traces = _traces(tensors, count, len(network.layers))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    for index, trace in enumerate(traces):
        found = difference(run(network, samples[index]), trace)
        if found is not None:
            raise InputError(
                f"{path}: sample {index} is not what the network does ({found}); export both again."
            )
    return samples, traces


def _arrays_of(samples: Any) -> dict[str, npt.NDArray[Any]]:
    if not isinstance(samples, EventList):
        return {"images": np.ascontiguousarray(samples)}
    return {f"samples.{key}": getattr(samples, key) for key in EVENTS}


def _samples_of(tensors: dict[str, npt.NDArray[Any]]) -> Any:
    if "images" in tensors:
        return tensors["images"]
    for key in EVENTS:
        require(f"samples.{key}" in tensors, "images", "is missing; export it again")
    return EventList(*(tensors[f"samples.{key}"] for key in EVENTS))


def _check(tensors: dict[str, npt.NDArray[Any]], network: Network, count: int) -> None:
    """Check that the file has all arrays, each of its type and shape, and no others.

    :param count: number of samples.
    :raises InputError: otherwise; it names the first that is wrong.
    """
    layers, classes = len(network.layers), len(network.classes)
    wanted: dict[str, tuple[npt.DTypeLike, tuple[int | None, ...]]] = {
        "decision": (np.int32, (count,)),
        "tick": (np.int32, (count,)),
        "timed_out": (np.bool_, (count,)),
        "potential": (np.int32, (count, classes)),
        **{f"spikes.{layer}": (np.int32, (None, 3)) for layer in range(layers)},
    }
    if has_own_rows(network) and count:
        wanted |= dict.fromkeys(("recurrent", "bias"), (np.int32, (count, layers)))
    if network.readout.counts and count:
        wanted["output_spikes"] = (np.int32, (count, classes))

    samples = {"images"} if "images" in tensors else {f"samples.{key}" for key in EVENTS}
    for key in sorted((set(tensors) | set(wanted)) - samples):
        require(key in wanted, key, "is not a key of this format; export it again")
        require(key in tensors, key, "is missing; export it again")
        dtype, shape = wanted[key]
        array = checked_array(tensors[key], dtype, len(shape), key)
        fits = all(size in (None, there) for size, there in zip(shape, array.shape, strict=True))
        require(fits, key, f"has shape {array.shape} for {count} samples; export it again")


def _traces(tensors: dict[str, npt.NDArray[Any]], count: int, layers: int) -> list[Trace]:
    """Return the traces of all samples.

    :raises InputError: events of a sample are not together, or belong to none.
    """
    delivered: list[list[list[Spike]]] = [[] for _ in range(count)]
    for layer in range(layers):
        rows, key = tensors[f"spikes.{layer}"], f"spikes.{layer}"
        ascending = bool((np.diff(rows[:, 0]) >= 0).all())
        inside = len(rows) == 0 or (rows[0, 0] >= 0 and rows[-1, 0] < count)
        require(ascending and inside, key, "must be in the order of the images; export it again")

        ends = np.searchsorted(rows[:, 0], np.arange(count + 1))
        for index, spikes in enumerate(delivered):
            events = rows[ends[index] : ends[index + 1], 1:].tolist()
            spikes.append([Spike(tick, neuron) for tick, neuron in events])

    counts = "output_spikes" in tensors
    return [
        Trace(
            int(tensors["decision"][index]),
            int(tensors["tick"][index]),
            bool(tensors["timed_out"][index]),
            spikes,
            tensors["potential"][index].astype(np.int64),
            _row(tensors, "recurrent", index),
            _row(tensors, "bias", index),
            tensors["output_spikes"][index].astype(np.int64) if counts else None,
        )
        for index, spikes in enumerate(delivered)
    ]


def _row(tensors: dict[str, npt.NDArray[Any]], key: str, index: int) -> list[int] | None:
    return tensors[key][index].tolist() if key in tensors else None
