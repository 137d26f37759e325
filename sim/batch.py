"""The integer machine over many samples at once: :mod:`sim.pipeline`, sample by sample, compiled
and on all cores.
"""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.compiled import decide, jit, most_threads, spikes_by_tick, start
from sim.connections.connection import compile_connection
from sim.network import Network

CHUNK = 100
"""Samples that a thread takes at a time."""


@dataclass(frozen=True)
class Decisions:
    """What the machine answered for n samples.

    :param decision: int32 (n,), class index.
    :param tick: int32 (n,), of the decision; the last tick when timed out.
    :param timed_out: bool (n,).
    :param events: int32 (n, layers), delivered to each layer: its weight rows looked up.
    :param potential: int64 (n, classes), the output layer's after the last advance.
    :param reads: int64 (n, layers), weights that these events looked up.
    """

    decision: npt.NDArray[np.int32]
    tick: npt.NDArray[np.int32]
    timed_out: npt.NDArray[np.bool_]
    events: npt.NDArray[np.int32]
    potential: npt.NDArray[np.int64]
    reads: npt.NDArray[np.int64]

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
    count, layers = network.encoder.count(samples), len(network.layers)
    result = Decisions(
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.zeros(count, np.bool_),
        np.zeros((count, layers), np.int32),
        np.zeros((count, len(network.classes)), np.int64),
        np.zeros((count, layers), np.int64),
    )
    arrays = [getattr(result, field.name) for field in fields(result)]
    parts = network.encoder.compiled(), network.readout.compiled()
    machine = _machine(network), _layers(network)

    def run_part(first: int) -> int:
        part = slice(first, min(first + CHUNK, count))
        prepared = network.encoder.prepare(samples[part])
        _run_samples(prepared, *parts, *machine, *(array[part] for array in arrays))
        return part.stop - first

    # closed at once where progress is interrupted: no thread goes on
    with closing(_in_threads(run_part, range(0, count, CHUNK))) as finished:
        for done in finished:
            if progress is not None:
                progress(done)
    return result


def _in_threads(work: Callable[[int], int], starts: range) -> Generator[int]:
    """Yield the results of ``work`` in order, computed on all cores.

    Threads of our own, as numba's are those of OpenMP: starting them changes how many PyTorch uses
    in the same process, and they wait for one another by turning in circles.
    """
    count = min(most_threads(), len(starts))
    if count < 2:
        yield from map(work, starts)
        return

    pool = ThreadPoolExecutor(count)
    try:
        yield from pool.map(work, starts)
    finally:
        pool.shutdown(cancel_futures=True)


class _Machine(NamedTuple):
    """A network's layers for the compiled loop: weights, visits and neurons one after the other.

    :param weight: int8, all weights of the first layer, then of the second, ...
    :param visit_starts: int64, where the visits of each source of each layer begin, and the end of
        each layer's.
    :param visit_weight: int64 (visits,), the first weight that is looked up.
    :param visit_neuron: int64 (visits,), the first neuron that it reaches.
    :param current: int32 (neurons,), at the start of a sample.
    :param potential: int32 (neurons,), at the start of a sample.
    :param early: whether the readout can end a sample.
    """

    weight: npt.NDArray[np.int8]
    visit_starts: npt.NDArray[np.int64]
    visit_weight: npt.NDArray[np.int64]
    visit_neuron: npt.NDArray[np.int64]
    current: npt.NDArray[np.int32]
    potential: npt.NDArray[np.int32]
    ticks_per_unit: int
    last_tick: int
    early: bool


class _Layers(NamedTuple):
    """What the layers are, each int64 (layers,).

    :param source: the first of the layer's entries in ``visit_starts``.
    :param first: its first neuron.
    :param after: the neuron after its last one.
    :param channels: weights of a visit.
    :param threshold: T.
    :param first_tick: no spike comes before it.
    :param ramp: 1: potentials move from the first tick on.
    :param summed: the last tick that moves potentials.
    :param begin: the first tick at which neurons can fire.
    :param end: the tick after the last one.
    :param most: spikes of a neuron in a sample; 0: it does not fire.
    :param subtract: 1: a spike is subtracted.
    """

    source: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]
    channels: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.int64]
    first_tick: npt.NDArray[np.int64]
    ramp: npt.NDArray[np.int64]
    summed: npt.NDArray[np.int64]
    begin: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    most: npt.NDArray[np.int64]
    subtract: npt.NDArray[np.int64]


def _machine(network: Network) -> _Machine:
    layers = network.layers
    visits = [compile_connection(layer.connection) for layer in layers]

    # visits and weights of a layer are counted from those of the layer before it
    weights = np.cumsum([0, *(layer.weight.size for layer in layers)])
    counts = np.cumsum([0, *(len(each.weight) for each in visits)])
    neurons = [layer.neurons(network.ticks_per_unit) for layer in layers]

    return _Machine(
        np.concatenate([layer.weight.ravel() for layer in layers]),
        _joined([each.starts for each in visits], counts),
        _joined([each.weight for each in visits], weights),
        np.concatenate([each.neuron for each in visits]),
        np.concatenate([each.current for each in neurons]).astype(np.int32),
        np.concatenate([each.potential for each in neurons]).astype(np.int32),
        network.ticks_per_unit,
        network.last_tick,
        network.readout.early,
    )


def _joined(
    parts: list[npt.NDArray[np.int64]], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return arrays one after the other, each with its offset added."""
    return np.concatenate([part + offset for part, offset in zip(parts, offsets, strict=False)])


def _layers(network: Network) -> _Layers:
    layers, end = network.layers, network.last_tick + 1
    sources = np.cumsum([0, *(layer.fan_in + 1 for layer in layers)])
    neurons = np.cumsum([0, *(layer.fan_out for layer in layers)])
    windows = [layer.neuron.window or (0, end) for layer in layers]
    most = [layer.neuron.most_spikes or end for layer in layers]
    columns = (
        sources[:-1],
        neurons[:-1],
        neurons[1:],
        [layer.connection.channels_out for layer in layers],
        [layer.threshold for layer in layers],
        [network.first_spike(index) for index in range(len(layers))],
        [layer.neuron.ramp for layer in layers],
        [layer.neuron.window[0] if layer.neuron.window else end for layer in layers],
        [begin for begin, _ in windows],
        [begin + length for begin, length in windows],
        [each * layer.neuron.fires for each, layer in zip(most, layers, strict=True)],
        [layer.neuron.reset == "subtract" for layer in layers],
    )
    return _Layers(*(np.array(column, np.int64) for column in columns))


@jit(nogil=True)
def _run_samples(
    samples: Any,
    encoder: Any,
    readout: Any,
    machine: Any,
    layers: Any,
    decision: Any,
    tick: Any,
    timed_out: Any,
    events: Any,
    potential: Any,
    reads: Any,
) -> None:
    for index in range(len(decision)):
        decision[index], tick[index], timed_out[index] = _run_sample(
            samples,
            index,
            encoder,
            readout,
            machine,
            layers,
            events[index],
            potential[index],
            reads[index],
        )


@jit(nogil=True)
def _run_sample(
    samples: Any,
    index: Any,
    encoder: Any,
    readout: Any,
    machine: Any,
    layers: Any,
    events: Any,
    output: Any,
    reads: Any,
) -> Any:
    """Run one sample; the order of the steps is :func:`sim.pipeline.run`'s."""
    last_tick = machine.last_tick
    order, starts = spikes_by_tick(encoder, samples, index, last_tick)

    # the state of all layers is stored in one array of each kind; a Network fits 32 bits or does
    # not exist
    current, potential = machine.current.copy(), machine.potential.copy()
    spikes, fired = np.zeros(len(current), np.int32), np.zeros(len(current), np.bool_)

    classes = potential[layers.first[-1] :]  # a view: it moves with all the others
    memory = start(readout, len(classes))
    winner = 0
    for tick in range(last_tick + 1):
        if tick > 0:
            _advance(machine, layers, tick, current, potential, fired)

        # decide before anything of this tick is read
        ended, winner = decide(readout, memory, classes)
        if ended or tick == last_tick:
            output[:] = classes
        if ended:
            return winner, tick, False

        for position in range(starts[tick], starts[tick + 1]):
            reads[0] += _deliver(machine, layers, 0, order[position], current)
        events[0] += starts[tick + 1] - starts[tick]
        _deliver_hidden(machine, layers, tick, current, potential, spikes, fired, events, reads)

    return winner, last_tick, machine.early


@jit(nogil=True)
def _advance(
    machine: Any, layers: Any, tick: Any, current: Any, potential: Any, fired: Any
) -> None:
    """Move all layers on to ``tick``."""
    for layer in range(len(layers.first)):
        first, after = layers.first[layer], layers.after[layer]

        # without a ramp a current is 0 up to the first spike, and nothing moves after a window's
        # first tick
        if layers.ramp[layer] or layers.first_tick[layer] < tick <= layers.summed[layer]:
            add(potential[first:after], current[first:after])

        if layers.subtract[layer]:
            threshold = layers.threshold[layer]
            for neuron in range(first, after):
                if fired[neuron]:
                    potential[neuron] -= threshold * (machine.ticks_per_unit + tick)
                    current[neuron] -= threshold
                    fired[neuron] = False


@jit(nogil=True)
def _deliver_hidden(
    machine: Any,
    layers: Any,
    tick: Any,
    current: Any,
    potential: Any,
    spikes: Any,
    fired: Any,
    events: Any,
    reads: Any,
) -> None:
    """Fire the hidden neurons, and deliver their spikes."""
    # whether a neuron fires depends on potentials, and delivering changes currents only: so each
    # layer may fire after the layer before it was delivered
    for layer in range(len(layers.first) - 1):
        if not layers.begin[layer] <= tick < layers.end[layer]:
            continue
        level = 0
        if not layers.ramp[layer]:
            level = layers.threshold[layer] * (layers.end[layer] - tick)

        first = layers.first[layer]
        for neuron in range(first, layers.after[layer]):
            if potential[neuron] >= level and spikes[neuron] < layers.most[layer]:
                spikes[neuron] += 1
                fired[neuron] = True
                events[layer + 1] += 1
                reads[layer + 1] += _deliver(machine, layers, layer + 1, neuron - first, current)


@jit(nogil=True)
def _deliver(machine: Any, layers: Any, layer: Any, source: Any, current: Any) -> Any:
    """Add the words of one event of ``source`` to the currents of a layer; return how many weights
    they have.
    """
    channels, first = layers.channels[layer], layers.first[layer]
    entry = layers.source[layer] + source
    begin, end = machine.visit_starts[entry], machine.visit_starts[entry + 1]
    for visit in range(begin, end):
        weight, neuron = machine.visit_weight[visit], first + machine.visit_neuron[visit]
        add(current[neuron : neuron + channels], machine.weight[weight : weight + channels])
    return (end - begin) * channels


@jit(nogil=True)
def add(total: Any, more: Any) -> None:
    """Add one array to another in place."""
    # a plain loop over slices is what the compiler turns into SIMD
    for neuron in range(len(total)):
        total[neuron] += more[neuron]
