"""What crossed every boundary of the machine while one image ran, and the file that keeps it.

``vectors.safetensors`` holds images with their traces: pytest, cocotb and a board are checked
against the same file.

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
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.file import read_tensors, write_tensors
from sim.network import Network

FORMAT = "ttfs-vectors"
VERSION = "1"
VECTORS_FILE = "vectors.safetensors"


class Spike(NamedTuple):
    """Neuron ``neuron`` fired at tick ``tick``."""

    tick: int
    neuron: int


@dataclass(frozen=True)
class Trace:
    """One image's run up to its decision.

    :param decision: class index.
    :param tick: of the decision; the last tick when timed out.
    :param timed_out: no output fired.
    :param spikes: per layer, the events delivered to it in order (layer 0: input spikes).
    :param potential: int64 (classes,), the output layer's after the last advance.
    """

    decision: int
    tick: int
    timed_out: bool
    spikes: Sequence[Sequence[Spike]]
    potential: npt.NDArray[np.int64]

    @property
    def events(self) -> list[int]:
        """Number of events delivered to each layer: its weight rows looked up."""
        return [len(spikes) for spikes in self.spikes]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``sim run`` and ``hw simulate`` print per image."""
        return {
            "decision": self.decision,
            "tick": self.tick,
            "timed_out": self.timed_out,
            "events": self.events,
            "potential": self.potential.tolist(),
        }


def difference(expected: Trace, found: Trace) -> str | None:
    """Name the first difference between two traces of one image, or None: earliest tick first, then
    lowest layer.
    """
    places: list[tuple[int, int, str]] = []
    for layer, (wanted, got) in enumerate(zip(expected.spikes, found.spikes, strict=True)):
        for place, (first, second) in enumerate(zip_longest(wanted, got)):
            if first != second:
                tick = min(spike.tick for spike in (first, second) if spike is not None)
                places.append(
                    (
                        tick,
                        layer,
                        f"event {place}: expected {_spike(first)}, found {_spike(second)}",
                    )
                )
                break
    if places:
        tick, layer, text = min(places)
        return f"tick {tick}, layer {layer}, {text}"
    for name in ("tick", "decision", "timed_out"):
        if getattr(expected, name) != getattr(found, name):
            return f"{name}: expected {getattr(expected, name)}, found {getattr(found, name)}"
    for neuron, (wanted, got) in enumerate(zip(expected.potential, found.potential, strict=True)):
        if wanted != got:
            return f"tick {expected.tick}, potential of output {neuron}: expected {wanted}, found {got}"
    return None


def _spike(spike: Spike | None) -> str:
    return "no event" if spike is None else f"neuron {spike.neuron} at tick {spike.tick}"


def save_vectors(
    path: Path, network: Network, images: npt.NDArray[np.uint8], traces: Sequence[Trace]
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
    for layer in range(len(network.layers)):
        rows = [
            (index, *spike) for index, trace in enumerate(traces) for spike in trace.spikes[layer]
        ]
        tensors[f"spikes.{layer}"] = np.array(rows, np.int32).reshape(-1, 3)
    write_tensors(
        path, tensors, {"format": FORMAT, "version": VERSION, "digest": f"{network.digest:08x}"}
    )


def load_vectors(path: Path, network: Network) -> tuple[npt.NDArray[np.uint8], list[Trace]]:
    """Read images and traces written by :func:`save_vectors` for this very network.

    :raises InputError: the file is missing, truncated, foreign, inconsistent, or of another
        network.
    """
    tensors, metadata = read_tensors(path, FORMAT, VERSION)
    if metadata.get("digest") != f"{network.digest:08x}":
        raise InputError(
            f"{path}: belongs to network {metadata.get('digest')}, not {network.digest:08x}; export both."
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
