"""What crossed every boundary of the machine while one sample ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.network import Network
from sim.neuron import Neurons, Spike


@dataclass(frozen=True)
class Trace:
    """One sample's run up to its decision.

    :param decision: class index.
    :param tick: of the decision; the last tick where nothing ended the sample.
    :param timed_out: the sample could have ended before, and did not.
    :param spikes: per layer, the events delivered to it in order (layer 0: input spikes).
    :param potential: int64 (classes,), the output layer's after the last advance, and after the
        spikes of the last tick where those count.
    :param recurrent: per layer, how many of its own spikes were delivered to it.
    :param bias: per layer, how often its bias was delivered.
    :param output_spikes: int64 (classes,), how often each output fired; None: that is no question
        of this network.
    """

    decision: int
    tick: int
    timed_out: bool
    spikes: Sequence[Sequence[Spike]]
    potential: npt.NDArray[np.int64]
    recurrent: Sequence[int] | None = None
    bias: Sequence[int] | None = None
    output_spikes: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        network: Network,
        decision: int,
        tick: int,
        ended: bool,
        spikes: Sequence[Sequence[Spike]],
        output: Neurons,
    ) -> "Trace":
        """Return the trace of a sample that has just been decided.

        :param ended: whether it ended before the spikes of ``tick``.
        :param output: the output layer.
        """
        recurrent = bias = None
        if has_own_rows(network):
            counts = own_rows(network, [len(each) for each in spikes], tick, ended)
            recurrent, bias = (each.tolist() for each in counts)
        return cls(
            decision,
            tick,
            network.early and not ended,
            spikes,
            output.potential,
            recurrent,
            bias,
            output.spikes if network.readout.counts else None,
        )

    @property
    def events(self) -> list[int]:
        """Number of events delivered to each layer: its weight rows looked up."""
        return [len(spikes) for spikes in self.spikes]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``sim run`` and ``hw simulate`` print per sample."""
        return sample_json(
            self.decision,
            self.tick,
            self.timed_out,
            self.events,
            self.potential,
            None if self.recurrent is None or self.bias is None else (self.recurrent, self.bias),
            self.output_spikes,
        )


def has_own_rows(network: Network) -> bool:
    """Whether any layer looks up rows for its own spikes, or for a bias."""
    return any(layer.rows > layer.fan_in for layer in network.layers)


def own_rows(
    network: Network, events: npt.ArrayLike, tick: npt.ArrayLike, ended: npt.ArrayLike
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return how many recurrent rows and biases each layer has looked up, int64 (..., layers) each.

    :param events: (..., layers), delivered to each layer; every spike of a layer is an event of the
        next one, and of the layer itself where it is recurrent.
    :param tick: (...), of the decision.
    :param ended: (...), whether the sample ended before the spikes of ``tick``.
    """
    spikes = np.array(events, np.int64)
    spikes = np.concatenate([spikes[..., 1:], np.zeros_like(spikes[..., :1])], axis=-1)
    ticks = np.array(tick, np.int64) + ~np.array(ended, np.bool_)

    recurrent = np.array([layer.recurrent is not None for layer in network.layers])
    bias = np.array([layer.bias is not None for layer in network.layers])
    return spikes * recurrent, ticks[..., np.newaxis] * bias


def sample_json(
    decision: int,
    tick: int,
    timed_out: bool,
    events: Sequence[int],
    potential: npt.NDArray[np.int64],
    own: tuple[Sequence[int], Sequence[int]] | None,
    output_spikes: npt.NDArray[np.int64] | None,
) -> dict[str, Any]:
    """Return the object that is printed for one sample; see :class:`Trace`."""
    found: dict[str, Any] = {
        "decision": decision,
        "tick": tick,
        "timed_out": timed_out,
        "events": list(events),
        "potential": potential.tolist(),
    }
    if own is not None:
        found |= {"recurrent": list(own[0]), "bias": list(own[1])}
    if output_spikes is not None:
        found["spikes"] = output_spikes.tolist()
    return found


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

    for name, text in (("output_spikes", "spikes"), ("potential", "potential")):
        wanted, got = getattr(expected, name), getattr(found, name)
        if (wanted is None) != (got is None):
            return f"{text} of outputs: expected {wanted}, found {got}"
        for neuron, (first, second) in enumerate(zip(_values(wanted), _values(got), strict=True)):
            if first != second:
                where = f"tick {expected.tick}, {text} of output {neuron}"
                return f"{where}: expected {first}, found {second}"

    for name in ("recurrent", "bias"):
        wanted, got = _values(getattr(expected, name)), _values(getattr(found, name))
        if wanted != got:
            return f"{name} rows: expected {wanted}, found {got}"
    return None


def _values(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def _spike(spike: Spike | None) -> str:
    return "no event" if spike is None else f"neuron {spike.neuron} at tick {spike.tick}"
