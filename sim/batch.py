"""The integer machine over many samples at once: :mod:`sim.pipeline`, sample by sample, compiled
and on all cores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from sim.compiled import decide, jit, spikes_by_tick, start
from sim.network import Network

CHUNK = 1000
"""Samples between two reports of progress."""


@dataclass(frozen=True)
class Decisions:
    """What the machine answered for n samples.

    :param decision: int32 (n,), class index.
    :param tick: int32 (n,), of the decision; the last tick when timed out.
    :param timed_out: bool (n,).
    :param events: int32 (n, layers), delivered to each layer: its weight rows looked up.
    :param potential: int64 (n, classes), the output layer's after the last advance.
    """

    decision: npt.NDArray[np.int32]
    tick: npt.NDArray[np.int32]
    timed_out: npt.NDArray[np.bool_]
    events: npt.NDArray[np.int32]
    potential: npt.NDArray[np.int64]

    def to_json(self, index: int) -> dict[str, Any]:
        """Return the object that ``sim run`` prints for one sample; the same as
        :meth:`sim.trace.Trace.to_json`.
        """
        return {
            "decision": int(self.decision[index]),
            "tick": int(self.tick[index]),
            "timed_out": bool(self.timed_out[index]),
            "events": self.events[index].tolist(),
            "potential": self.potential[index].tolist(),
        }


def run(
    network: Network, samples: npt.NDArray[Any], progress: Callable[[int], object] | None = None
) -> Decisions:
    """Run n samples; ``progress`` is called now and then with how many more are done.

    :param samples: what the network's encoder takes; images are uint8 (n, height, width).
    :raises InputError: the samples are of another type or shape.
    """
    count = network.encoder.count(samples)
    result = Decisions(
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.zeros(count, np.bool_),
        np.zeros((count, len(network.layers)), np.int32),
        np.zeros((count, len(network.classes)), np.int64),
    )
    fields = (result.decision, result.tick, result.timed_out, result.events, result.potential)
    parts = network.encoder.compiled(), network.readout.compiled(), _layers(network)

    for first in range(0, count, CHUNK):
        part = slice(first, min(first + CHUNK, count))
        prepared = network.encoder.prepare(samples[part])
        _run_samples(prepared, *parts, *(field[part] for field in fields))
        if progress is not None:
            progress(part.stop - first)
    return result


class _Layers(NamedTuple):
    """A network's layers for the compiled loop: weights and neurons one after the other.

    :param weight: int8, all rows of the first layer, then of the second, ...
    :param sizes: int64 (layers + 1,), inputs, then neurons of each layer.
    :param threshold: int64 (layers,).
    :param ticks_per_unit: R of the network.
    :param last_tick: K of the network.
    """

    weight: npt.NDArray[np.int8]
    sizes: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.int64]
    ticks_per_unit: int
    last_tick: int


def _layers(network: Network) -> _Layers:
    sizes = [network.encoder.inputs, *(layer.fan_out for layer in network.layers)]
    return _Layers(
        np.concatenate([layer.weight.ravel() for layer in network.layers]),
        np.array(sizes, np.int64),
        np.array([layer.threshold for layer in network.layers], np.int64),
        network.ticks_per_unit,
        network.last_tick,
    )


@jit(parallel=True, nogil=True)
def _run_samples(
    samples: Any,
    encoder: Any,
    readout: Any,
    layers: Any,
    decision: Any,
    tick: Any,
    timed_out: Any,
    events: Any,
    potential: Any,
) -> None:
    # samples are independent: every core takes a share of them
    for index in numba.prange(len(decision)):  # type: ignore[attr-defined]
        decision[index], tick[index], timed_out[index] = _run_sample(
            samples, index, encoder, readout, layers, events[index], potential[index]
        )


@jit(nogil=True)
def _run_sample(
    samples: Any, index: Any, encoder: Any, readout: Any, layers: Any, events: Any, output: Any
) -> Any:
    """Run one sample; the order of the steps is :func:`sim.pipeline.run`'s."""
    sizes = layers.sizes
    order, starts = spikes_by_tick(encoder, samples, index, layers.last_tick)

    # the state of all layers is stored in one array of each kind: one loop advances them all
    neurons = sizes[1:].sum()
    current = np.empty(neurons, np.int32)  # a Network fits 32 bits or does not exist
    first = 0
    for layer in range(len(layers.threshold)):
        current[first : first + sizes[layer + 1]] = -layers.threshold[layer]
        first += sizes[layer + 1]

    # a sample starts with current -T and potential -T R
    potential = current * np.int32(layers.ticks_per_unit)
    fired = np.zeros(neurons, np.bool_)

    classes = potential[neurons - sizes[-1] :]  # a view: it moves with all the others
    memory = start(readout, len(classes))
    winner = 0
    for tick in range(layers.last_tick + 1):
        if tick > 0:
            add(potential, current)

        # decide before anything of this tick is read
        ended, winner = decide(readout, memory, classes)
        if ended or tick == layers.last_tick:
            output[:] = classes
        if ended:
            return winner, tick, False

        inputs = order[starts[tick] : starts[tick + 1]]
        _deliver_tick(inputs, layers.weight, sizes, current, potential, fired, events)

    return winner, layers.last_tick, True


@jit(nogil=True)
def _deliver_tick(
    inputs: Any, weight: Any, sizes: Any, current: Any, potential: Any, fired: Any, events: Any
) -> None:
    """Fire the hidden neurons and deliver all spikes of this tick."""
    # whether a neuron fires depends on potentials, and delivering changes currents only: so each
    # layer may fire after the layer before it was delivered
    row = 0  # first weight of the layer that is fed
    first = 0  # first neuron of the layer that fires
    for neuron in inputs:
        add(current[: sizes[1]], weight[neuron * sizes[1] : (neuron + 1) * sizes[1]])
    events[0] += len(inputs)

    for layer in range(1, len(sizes) - 1):
        row += sizes[layer - 1] * sizes[layer]
        after = first + sizes[layer]
        following = current[after : after + sizes[layer + 1]]
        for neuron in range(sizes[layer]):
            if potential[first + neuron] >= 0 and not fired[first + neuron]:
                fired[first + neuron] = True
                events[layer] += 1
                begin = row + neuron * len(following)
                add(following, weight[begin : begin + len(following)])
        first = after


@jit(nogil=True)
def add(total: Any, more: Any) -> None:
    """Add one array to another in place."""
    # a plain loop over slices is what the compiler turns into SIMD
    for neuron in range(len(total)):
        total[neuron] += more[neuron]
