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

from sim.errors import InputError, checked_array, require
from sim.file import read_tensors, write_tensors
from sim.files import AnyPath
from sim.network import Network
from sim.neuron import Spike
from sim.pipeline import run
from sim.trace import Trace, difference

FORMAT = "ttfs-vectors"
VERSION = "1"
VECTORS_FILE = "vectors.safetensors"

WRITERS = (
    "`python -m train export --out DIR` or "
    f"`python -m sim run DIR --images FILE.npy --trace DIR/{VECTORS_FILE}`"
)
"""Who writes such a file."""


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
    """Read images and traces written by :func:`save_vectors` for this very network; every trace is
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
        images = _checked(tensors, network)
        traces = _traces(tensors, len(images), len(network.layers))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    for index, (image, trace) in enumerate(zip(images, traces, strict=True)):
        found = difference(run(network, image), trace)
        if found is not None:
            raise InputError(
                f"{path}: image {index} is not what the network does ({found}); export both again."
            )
    return images, traces


def _checked(tensors: dict[str, npt.NDArray[Any]], network: Network) -> npt.NDArray[np.uint8]:
    """Return the images after checking that the file has all arrays, each of its type and shape,
    and no others.

    :raises InputError: otherwise; it names the first that is wrong.
    """
    images = tensors.get("images", np.zeros(0, np.uint8))
    count, classes = network.encoder.count(images), len(network.classes)
    wanted: dict[str, tuple[npt.DTypeLike, tuple[int | None, ...]]] = {
        "images": (np.uint8, images.shape),
        "decision": (np.int32, (count,)),
        "tick": (np.int32, (count,)),
        "timed_out": (np.bool_, (count,)),
        "potential": (np.int32, (count, classes)),
        **{f"spikes.{layer}": (np.int32, (None, 3)) for layer in range(len(network.layers))},
    }
    for key in sorted(set(tensors) | set(wanted)):
        require(key in wanted, key, "is not a key of this format; export it again")
        require(key in tensors, key, "is missing; export it again")
        dtype, shape = wanted[key]
        array = checked_array(tensors[key], dtype, len(shape), key)
        fits = all(size in (None, there) for size, there in zip(shape, array.shape, strict=True))
        require(fits, key, f"has shape {array.shape} for {count} images; export it again")
    return images


def _traces(tensors: dict[str, npt.NDArray[Any]], count: int, layers: int) -> list[Trace]:
    """Return the traces of all images.

    :raises InputError: events of an image are not together, or belong to none.
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

    return [
        Trace(
            int(tensors["decision"][index]),
            int(tensors["tick"][index]),
            bool(tensors["timed_out"][index]),
            spikes,
            tensors["potential"][index].astype(np.int64),
        )
        for index, spikes in enumerate(delivered)
    ]
