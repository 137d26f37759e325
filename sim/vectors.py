"""``vectors.safetensors``: images with their traces, against which pytest, cocotb and a board are
checked alike.

| key | type | meaning |
|---|---|---|
| ``images`` | uint8 (n, height, width) | |
| ``decision``, ``tick`` | int32 (n,) | class and tick of the decision |
| ``timed_out`` | bool (n,) | no output fired up to the last tick |
| ``potential`` | int32 (n, classes) | of the output layer, after the last advance |
| ``spikes.N`` | int32 (m, 3) | image, tick, neuron of every event delivered to layer N, in order |

Metadata: ``format`` = ``ttfs-vectors``, ``version`` = ``1``, ``digest`` (of the network, 8
hexadecimal digits).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.file import read_tensors, write_tensors
from sim.files import AnyPath
from sim.network import Network
from sim.neuron import Spike
from sim.trace import Trace

FORMAT = "ttfs-vectors"
VERSION = "1"
VECTORS_FILE = "vectors.safetensors"


def save_vectors(
    path: AnyPath, network: Network, images: npt.NDArray[np.uint8], traces: Sequence[Trace]
) -> None:
    """Write images uint8 (n, height, width) and their traces.

    :raises InputError: the file cannot be written.
    """
    tensors: dict[str, npt.NDArray[Any]] = {
        "images": np.ascontiguousarray(images),
        "decision": np.array([trace.decision for trace in traces], np.int32),
        "tick": np.array([trace.tick for trace in traces], np.int32),
        "timed_out": np.array([trace.timed_out for trace in traces], np.bool_),
        "potential": np.zeros((len(traces), len(network.classes)), np.int32),
    }
    for index, trace in enumerate(traces):
        tensors["potential"][index] = trace.potential

    # the events of all images, each with the index of its image
    for layer in range(len(network.layers)):
        rows = [
            (index, *spike) for index, trace in enumerate(traces) for spike in trace.spikes[layer]
        ]
        tensors[f"spikes.{layer}"] = np.array(rows, np.int32).reshape(-1, 3)

    metadata = {"format": FORMAT, "version": VERSION, "digest": f"{network.digest:08x}"}
    write_tensors(Path(path), tensors, metadata)


def load_vectors(path: AnyPath, network: Network) -> tuple[npt.NDArray[np.uint8], list[Trace]]:
    """Read images and traces written by :func:`save_vectors` for this very network.

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
        traces = [
            _trace(tensors, index, len(network.layers)) for index in range(len(tensors["images"]))
        ]
        return tensors["images"], traces
    except (KeyError, IndexError) as error:
        raise InputError(f"{path}: is incomplete ({error}); export it again.") from error


def _trace(tensors: dict[str, npt.NDArray[Any]], index: int, layers: int) -> Trace:
    spikes: list[list[Spike]] = []
    for layer in range(layers):
        rows = tensors[f"spikes.{layer}"]
        spikes.append(
            [Spike(int(tick), int(neuron)) for _, tick, neuron in rows[rows[:, 0] == index]]
        )
    return Trace(
        int(tensors["decision"][index]),
        int(tensors["tick"][index]),
        bool(tensors["timed_out"][index]),
        spikes,
        tensors["potential"][index].astype(np.int64),
    )
