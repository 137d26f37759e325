"""What crossed every boundary of the machine while one sample ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.neuron import Spike


@dataclass(frozen=True)
class Trace:
    """One sample's run up to its decision.

    :param decision: class index.
    :param tick: of the decision; the last tick when timed out.
    :param timed_out: outputs fire, but none did.
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
        """Return the object that ``sim run`` and ``hw simulate`` print per sample."""
        return {
            "decision": self.decision,
            "tick": self.tick,
            "timed_out": self.timed_out,
            "events": self.events,
            "potential": self.potential.tolist(),
        }


def difference(expected: Trace, found: Trace) -> str | None:
    """Name the first difference between two traces of one sample, or None: earliest tick first,
    then lowest layer.
    """
    # the first of each layer; among them the earliest tick decides, then the lowest layer
    differences: list[tuple[int, int, str]] = []
    for layer, (wanted, got) in enumerate(zip(expected.spikes, found.spikes, strict=True)):
        for index, (first, second) in enumerate(zip_longest(wanted, got)):
            if first != second:
                tick = min(spike.tick for spike in (first, second) if spike is not None)
                text = f"event {index}: expected {_spike(first)}, found {_spike(second)}"
                differences.append((tick, layer, text))
                break
    if differences:
        tick, layer, text = min(differences)
        return f"tick {tick}, layer {layer}, {text}"

    for name in ("tick", "decision", "timed_out"):
        if getattr(expected, name) != getattr(found, name):
            return f"{name}: expected {getattr(expected, name)}, found {getattr(found, name)}"

    for neuron, (wanted, got) in enumerate(zip(expected.potential, found.potential, strict=True)):
        if wanted != got:
            where = f"tick {expected.tick}, potential of output {neuron}"
            return f"{where}: expected {wanted}, found {got}"
    return None


def _spike(spike: Spike | None) -> str:
    return "no event" if spike is None else f"neuron {spike.neuron} at tick {spike.tick}"
