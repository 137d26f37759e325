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
from sim.errors import InputError
from sim.file import read_tensors, write_tensors
from sim.files import AnyPath
from sim.network import Network
from sim.neuron import Spike
from sim.trace import Trace

FORMAT = "ttfs-vectors"
VERSION = "1"
VECTORS_FILE = "vectors.safetensors"

OPTIONAL = ("recurrent", "bias", "output_spikes")
"""What only traces of some networks have."""


def save_vectors(path: AnyPath, network: Network, samples: Any, traces: Sequence[Trace]) -> None:
    """Write samples and their traces.

    :param samples: images uint8 (n, height, width), or an :class:`EventList`.
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
    """Read samples and traces written by :func:`save_vectors` for this very network.

    :raises InputError: the file is missing, truncated, foreign, inconsistent, or of another
        network.
    """
    tensors, metadata = read_tensors(Path(path), FORMAT, VERSION)
    if metadata.get("digest") != f"{network.digest:08x}":
        raise InputError(
            f"{path}: belongs to network {metadata.get('digest')}, not {network.digest:08x}; "
            "export both."
        )

    try:
        samples = _samples_of(tensors)
        traces = [_trace(tensors, index, len(network.layers)) for index in range(len(samples))]
        return samples, traces
    except (KeyError, IndexError) as error:
        raise InputError(f"{path}: is incomplete ({error}); export it again.") from error


def _arrays_of(samples: Any) -> dict[str, npt.NDArray[Any]]:
    if not isinstance(samples, EventList):
        return {"images": np.ascontiguousarray(samples)}
    return {f"samples.{key}": getattr(samples, key) for key in ("tick", "input", "start")}


def _samples_of(tensors: dict[str, npt.NDArray[Any]]) -> Any:
    if "images" in tensors:
        return tensors["images"]
    return EventList(*(tensors[f"samples.{key}"] for key in ("tick", "input", "start")))


def _trace(tensors: dict[str, npt.NDArray[Any]], index: int, layers: int) -> Trace:
    spikes: list[list[Spike]] = []
    for layer in range(layers):
        rows = tensors[f"spikes.{layer}"]
        spikes.append(
            [Spike(int(tick), int(neuron)) for _, tick, neuron in rows[rows[:, 0] == index]]
        )

    recurrent, bias = (
        tensors[key][index].tolist() if key in tensors else None for key in ("recurrent", "bias")
    )
    output_spikes = tensors["output_spikes"][index] if "output_spikes" in tensors else None
    return Trace(
        int(tensors["decision"][index]),
        int(tensors["tick"][index]),
        bool(tensors["timed_out"][index]),
        spikes,
        tensors["potential"][index].astype(np.int64),
        recurrent,
        bias,
        None if output_spikes is None else output_spikes.astype(np.int64),
    )
