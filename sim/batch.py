"""The integer machine over many samples at once: :mod:`sim.pipeline`, sample by sample, compiled
and on all cores.
"""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.compiled import inner, is_ended, jit, most_threads, start, winner
from sim.connections.connection import CompiledConnection, compile_connection
from sim.layer import Layer
from sim.network import Network
from sim.neuron import HOLDS
from sim.trace import has_own_rows, own_rows, sample_json

CHUNK = 100
"""Samples that a thread takes at a time."""


@dataclass(frozen=True)
class Decisions:
    """What the machine answered for n samples.

    :param decision: int32 (n,), class index.
    :param tick: int32 (n,), of the decision; the last tick where nothing ended the sample.
    :param timed_out: bool (n,), could have ended before, and did not.
    :param events: int32 (n, layers), delivered to each layer: its weight rows looked up.
    :param potential: int64 (n, classes), the output layer's after the last advance, and after the
        spikes of the last tick where those count.
    :param reads: int64 (n, layers), weights looked up, recurrent rows and biases included.
    :param recurrent: int32 (n, layers), how many of its own spikes were delivered to each layer.
    :param bias: int32 (n, layers), how often the bias of each layer was delivered.
    :param output_spikes: int32 (n, classes), how often each output fired; None: that is no question
        of this network.
    :param own: whether any layer has recurrent rows or a bias.
    """

    decision: npt.NDArray[np.int32]
    tick: npt.NDArray[np.int32]
    timed_out: npt.NDArray[np.bool_]
    events: npt.NDArray[np.int32]
    potential: npt.NDArray[np.int64]
    reads: npt.NDArray[np.int64]
    recurrent: npt.NDArray[np.int32]
    bias: npt.NDArray[np.int32]
    output_spikes: npt.NDArray[np.int32] | None
    own: bool

    def to_json(self, index: int) -> dict[str, Any]:
        """Return the object that ``sim run`` prints for one sample; the same as
        :meth:`sim.trace.Trace.to_json`.
        """
        own = self.recurrent[index].tolist(), self.bias[index].tolist()
        return sample_json(
            int(self.decision[index]),
            int(self.tick[index]),
            bool(self.timed_out[index]),
            self.events[index].tolist(),
            self.potential[index],
            own if self.own else None,
            None if self.output_spikes is None else self.output_spikes[index],
        )


def run(
    network: Network, samples: Any, progress: Callable[[int], object] | None = None
) -> Decisions:
    """Run n samples; ``progress`` is called now and then with how many more are done.

    :param samples: what the network's encoder takes; images are uint8 (n, height, width), events an
        :class:`~sim.encoders.events.EventList`.
    :raises InputError: the samples are of another type or shape, or have events after the last
        tick.
    """
    count = network.encoder.count(samples, network.last_tick)
    layers, classes = len(network.layers), len(network.classes)
    answer = _Answer(
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.zeros(count, np.bool_),
        np.zeros((count, layers), np.int32),
        np.zeros((count, classes), np.int64),
        np.zeros((count, layers), np.int64),
        np.zeros((count, classes), np.int32),
    )
    machine = network.readout.compiled(), _machine(network), _layers(network)

    def run_part(first: int) -> int:
        part = slice(first, min(first + CHUNK, count))
        spikes = network.encoder.spike_list(samples[part])
        _run_samples(spikes, *machine, *(array[part] for array in answer))
        return part.stop - first

    # closed at once where progress is interrupted: no thread goes on
    with closing(_in_threads(run_part, range(0, count, CHUNK))) as finished:
        for done in finished:
            if progress is not None:
                progress(done)
    return _decisions(network, answer)


class _Answer(NamedTuple):
    """What the compiled loop writes, per sample; see :class:`Decisions`."""

    decision: npt.NDArray[np.int32]
    tick: npt.NDArray[np.int32]
    ended: npt.NDArray[np.bool_]
    events: npt.NDArray[np.int32]
    potential: npt.NDArray[np.int64]
    reads: npt.NDArray[np.int64]
    output_spikes: npt.NDArray[np.int32]


def _decisions(network: Network, answer: _Answer) -> Decisions:
    """Add to what the loop has written what follows from it."""
    present = has_own_rows(network)
    recurrent, bias = np.zeros_like(answer.events), np.zeros_like(answer.events)
    if present:
        counts = own_rows(network, answer.events, answer.tick, answer.ended)
        recurrent, bias = (each.astype(np.int32) for each in counts)
    return Decisions(
        answer.decision,
        answer.tick,
        ~answer.ended & network.early,
        answer.events,
        answer.potential,
        answer.reads + (recurrent + bias) * np.array([each.fan_out for each in network.layers]),
        recurrent,
        bias,
        answer.output_spikes if network.readout.counts else None,
        present,
    )


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

    :param weight: int8, all weights of the first layer, then of the second, ...; in a layer those
        of the connection, then recurrent rows, then a bias.
    :param visit_starts: int64, where the visits of each source of each layer begin, and the end of
        each layer's.
    :param visit_weight: int64 (visits,), the first weight that is looked up.
    :param visit_neuron: int64 (visits,), the first neuron that it reaches.
    :param current: int32 (neurons,), at the start of a sample.
    :param potential: int32 (neurons,), at the start of a sample.
    """

    weight: npt.NDArray[np.int8]
    visit_starts: npt.NDArray[np.int64]
    visit_weight: npt.NDArray[np.int64]
    visit_neuron: npt.NDArray[np.int64]
    current: npt.NDArray[np.int32]
    potential: npt.NDArray[np.int32]
    ticks_per_unit: int
    last_tick: int


LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "source",  # the first of the layer's entries in ``visit_starts``
            "own",  # the source of its first neuron among them; 0: it is not recurrent
            "bias",  # the source that fires at every tick; 0: there is none
            "first",  # its first neuron
            "after",  # the neuron after its last one
            "channels",  # weights of a visit
            "counted",  # how many of them are looked up
            "threshold",  # T
            "begin_moving",  # potentials move after this tick
            "summed",  # the last tick that moves potentials
            "begin",  # the first tick at which neurons can fire
            "end",  # the tick after the last one
            "slope",  # how much the level falls per tick, up to ``end``
            "level",  # to which it falls
            "most",  # spikes of a neuron in a sample; 0: it does not fire
            "zero",  # 1: a spike puts the potential to 0
            "subtract",  # 1: a spike is subtracted; 2: from a ramp
            "membrane",  # b
            "synapse",  # a
            "scale",  # 2^F, of the weights that enter
        )
    ]
)
"""What a layer is to the compiled loop."""


def _machine(network: Network) -> _Machine:
    layers = network.layers
    visits = [_visits(layer) for layer in layers]
    weights = [_weights(layer) for layer in layers]

    # visits and weights of a layer are counted from those of the layer before it
    sizes = np.cumsum([0, *(each.size for each in weights)])
    counts = np.cumsum([0, *(len(each.weight) for each in visits)])
    neurons = [layer.neurons(network.ticks_per_unit) for layer in layers]

    return _Machine(
        np.concatenate(weights),
        _joined([each.starts for each in visits], counts),
        _joined([each.weight for each in visits], sizes),
        np.concatenate([each.neuron for each in visits]),
        np.concatenate([each.current for each in neurons]).astype(np.int32),
        np.concatenate([each.potential for each in neurons]).astype(np.int32),
        network.ticks_per_unit,
        network.last_tick,
    )


def _visits(layer: Layer) -> CompiledConnection:
    """Return the visits of all sources of a layer: input neurons, its own, the bias."""
    visits = compile_connection(layer.connection)
    more = np.arange(layer.rows - layer.fan_in, dtype=np.int64)
    return CompiledConnection(
        np.append(visits.starts, visits.starts[-1] + 1 + more),
        np.append(visits.weight, layer.weight.size + more * layer.fan_out),
        np.append(visits.neuron, np.zeros_like(more)),
    )


def _weights(layer: Layer) -> npt.NDArray[np.int8]:
    """Return all weights of a layer, flat, in the order of its visits."""
    own = [each.ravel() for each in (layer.recurrent, layer.bias) if each is not None]
    return np.concatenate([layer.weight.ravel(), *own])


def _joined(
    parts: list[npt.NDArray[np.int64]], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return arrays one after the other, each with its offset added."""
    return np.concatenate([part + offset for part, offset in zip(parts, offsets, strict=False)])


def _layers(network: Network) -> npt.NDArray[np.void]:
    """Return the layers, :data:`LAYER` (layers,)."""
    found = np.zeros(len(network.layers), LAYER)
    source = first = 0
    for index, layer in enumerate(network.layers):
        kind, end = layer.neuron, network.last_tick + 1
        begin, length = kind.window or (0, end)
        counts = kind.fires and (index + 1 < len(network.layers) or network.readout.counts)
        channels = layer.connection.channels_out
        found[index] = (
            source,
            layer.fan_in if layer.recurrent is not None else 0,
            layer.bias_row if layer.bias is not None else 0,
            first,
            first + layer.fan_out,
            channels,
            channels if layer.stored else 0,
            layer.threshold,
            _begin_moving(network, index),
            begin if kind.window else end,
            begin,
            begin + length,
            kind.threshold if kind.window else 0,
            0 if kind.window else kind.least_level,
            (kind.most_spikes or end) if counts else 0,
            kind.reset == "zero",
            (kind.reset == "subtract") * (1 + kind.ramp),
            kind.membrane,
            kind.synapse,
            1 << kind.fraction,
        )
        source += layer.rows + 1
        first += layer.fan_out
    return found


def _begin_moving(network: Network, index: int) -> int:
    """Return the tick up to which potentials of a layer stay as they are at the start."""
    layer = network.layers[index]
    alone = layer.neuron.membrane == HOLDS and layer.recurrent is None
    moves = layer.starts().any() and not alone  # a start leaks, or fires
    if layer.neuron.ramp or moves or layer.bias is not None:
        return 0
    return network.first_spike(index)


@jit(nogil=True)
def _run_samples(
    inputs: Any,
    readout: Any,
    machine: Any,
    layers: Any,
    decision: Any,
    tick: Any,
    ended: Any,
    events: Any,
    potential: Any,
    reads: Any,
    output_spikes: Any,
) -> None:
    for index in range(len(decision)):
        decision[index], tick[index], ended[index] = _run_sample(
            inputs,
            index,
            readout,
            machine,
            layers,
            events[index],
            potential[index],
            reads[index],
            output_spikes[index],
        )


@inner
def _run_sample(
    inputs: Any,
    index: Any,
    readout: Any,
    machine: Any,
    layers: Any,
    events: Any,
    output: Any,
    reads: Any,
    output_spikes: Any,
) -> Any:
    """Run one sample; the order of the steps is :func:`sim.pipeline.run`'s."""
    event, end = inputs.start[index], inputs.start[index + 1]

    # the state of all layers is stored in one array of each kind; a Network fits 32 bits or does
    # not exist
    current, potential = machine.current.copy(), machine.potential.copy()
    spikes, fired = np.zeros(len(current), np.int32), np.zeros(len(current), np.bool_)

    # views: they move with all the others
    classes, counts = potential[layers[-1].first :], spikes[layers[-1].first :]
    level = layers[-1].level
    memory = start(readout, len(classes))
    ended, tick = False, 0
    for tick in range(machine.last_tick + 1):
        if tick > 0:
            _advance(machine, layers, tick, current, potential, fired)

        # decide before anything of this tick is read
        ended = is_ended(readout, memory, classes, level)
        if ended:
            break

        while event < end and inputs.tick[event] == tick:
            events[0] += 1
            reads[0] += _deliver(machine, layers[0], np.int64(inputs.input[event]), current)
            event += 1
        _fire(machine, layers, tick, current, potential, spikes, fired, events, reads)

    output[:] = classes
    output_spikes[:] = counts
    return winner(readout, memory, classes, counts), tick, ended


@inner
def _advance(
    machine: Any, layers: Any, tick: Any, current: Any, potential: Any, fired: Any
) -> None:
    """Move all layers on to ``tick``."""
    for index in range(len(layers)):
        layer = layers[index]
        first, after = layer.first, layer.after

        # nothing moves before the first spike, nor after a window's first tick
        if layer.begin_moving < tick <= layer.summed:
            if layer.membrane < HOLDS:
                _leak(potential[first:after], layer.membrane)
            add(potential[first:after], current[first:after])

        if layer.subtract:
            # of a ramp T (R + k), and T of the current
            ramp = layer.subtract == 2
            taken = layer.threshold * (machine.ticks_per_unit + tick if ramp else 1)
            taken_current = layer.threshold if ramp else 0
            for neuron in range(first, after):
                if fired[neuron]:
                    potential[neuron] -= taken
                    current[neuron] -= taken_current
                    fired[neuron] = False

        if layer.synapse == 0:
            current[first:after] = 0
        elif layer.synapse < HOLDS:
            _leak(current[first:after], layer.synapse)


@inner
def _leak(state: Any, factor: Any) -> None:
    """Leave ``factor`` / 256 of each, rounded towards zero: :func:`sim.fixed_point.truncated`."""
    for neuron in range(len(state)):
        product = np.int64(state[neuron]) * factor
        # a shift rounds down: of a negative product all but 1 / 256 is added before
        state[neuron] = (product + ((product >> 63) & 255)) >> 8


@inner
def _fire(
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
    """Fire neurons, deliver the spikes of hidden ones, and every bias."""
    # whether a neuron fires depends on potentials, and delivering changes currents only: so each
    # layer may fire after the layer before it was delivered
    last = len(layers) - 1
    for index in range(last + 1):
        layer = layers[index]
        if layer.bias:
            _deliver(machine, layer, layer.bias, current)
        if not layer.begin <= tick < layer.end or layer.most == 0:
            continue

        # what a loop reads is read before it: the compiler cannot know that nothing changes it
        first, most, zero, own = layer.first, layer.most, layer.zero, layer.own
        level = layer.level + layer.slope * (layer.end - tick)
        for neuron in range(first, layer.after):
            if potential[neuron] < level or spikes[neuron] >= most:
                continue
            spikes[neuron] += 1
            fired[neuron] = True
            if zero:
                potential[neuron] = 0
            if own:
                _deliver(machine, layer, own + neuron - first, current)
            if index < last:
                events[index + 1] += 1
                reads[index + 1] += _deliver(machine, layers[index + 1], neuron - first, current)


@inner
def _deliver(machine: Any, layer: Any, source: Any, current: Any) -> Any:
    """Add the words of one event of ``source`` to the currents of a layer; return how many weights
    they look up.
    """
    channels, first, scale = layer.channels, layer.first, layer.scale
    entry = layer.source + source
    begin, end = machine.visit_starts[entry], machine.visit_starts[entry + 1]
    for visit in range(begin, end):
        weight, neuron = machine.visit_weight[visit], first + machine.visit_neuron[visit]
        word = machine.weight[weight : weight + channels]
        if scale == 1:
            add(current[neuron : neuron + channels], word)
        else:
            _add_scaled(current[neuron : neuron + channels], word, scale)
    return (end - begin) * layer.counted


@inner
def _add_scaled(total: Any, more: Any, scale: Any) -> None:
    """Add integers times ``scale`` to an array in place."""
    for neuron in range(len(total)):
        total[neuron] += more[neuron] * scale


@inner
def add(total: Any, more: Any) -> None:
    """Add one array to another in place."""
    # a plain loop over slices is what the compiler turns into SIMD
    for neuron in range(len(total)):
        total[neuron] += more[neuron]
