"""Learning in place over many labelled images, one after the other: :mod:`sim.learn` compiled, and equal to it."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import numba
import numpy as np
import numpy.typing as npt

from sim.batch import add, spikes_by_tick
from sim.command import InputError
from sim.encode import check_images, pool_images
from sim.fixed_point import WeightFormat
from sim.learn import THIN, Rule, check_learnable, step
from sim.network import Network
from sim.report import check_labels


@dataclass(frozen=True)
class Lessons:
    """What n labelled images did; the fields of :class:`sim.learn.Lesson`, each (n,)."""

    decision: npt.NDArray[np.int32]
    updated: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int32]
    changed: npt.NDArray[np.int32]


class Learner:
    """A network whose weights move with every labelled image.

    :param state: of the generator, 1 .. 2^32 - 1.
    :raises InputError: the network cannot learn.
    """

    def __init__(self, network: Network, rule: Rule, state: int = 1) -> None:
        check_learnable(network, state)
        self.state = state
        self._start = network
        self._weight = tuple(layer.weight.copy() for layer in network.layers)
        hidden, output = network.layers
        forms = WeightFormat(hidden.weight_bits), WeightFormat(output.weight_bits)
        self._constants = _Constants(
            *(hidden.threshold, output.threshold, network.ticks_per_unit, network.last_tick),
            *(rule.margin, rule.reach),
            *(limit for form in forms for limit in (form.low, form.high)),
        )

    @property
    def network(self) -> Network:
        """The network as it is now."""
        pairs = zip(self._start.layers, self._weight, strict=True)
        return replace(self._start, layers=tuple(replace(layer, weight=weight) for layer, weight in pairs))

    def learn(self, images: npt.NDArray[Any], labels: npt.NDArray[Any], thin: npt.NDArray[np.integer[Any]]) -> Lessons:
        """Learn images uint8 (n, height, width) in order, with labels (n,) and ``thin`` (n,) in 0..255.

        :raises InputError: the images, labels or ``thin`` are of another type, shape or range.
        """
        encoder = self._start.encoder
        count = len(check_images(encoder, images))
        check_labels(labels, count, len(self._start.classes))
        if thin.shape != (count,) or not ((thin >= 0) & (thin < THIN)).all():
            raise InputError(f"thin: must be {count} integers, one per image, in 0..{THIN - 1}.")
        pooled = pool_images(images, encoder.pool).reshape(count, -1)
        decision, rows, changed = (np.zeros(count, np.int32) for _ in range(3))
        lessons = Lessons(decision, np.zeros(count, np.bool_), rows, changed)
        self.state = _learn_images(
            *(pooled, labels.astype(np.int64), thin.astype(np.int64), encoder.pixels, encoder.spike_tick),
            *(*self._weight, self._constants, self.state),
            *(lessons.decision, lessons.updated, lessons.rows, lessons.changed),
        )
        return lessons


class _Constants(NamedTuple):
    hidden_threshold: int
    output_threshold: int
    ticks_per_unit: int
    last_tick: int
    margin: int
    reach: int
    hidden_low: int
    hidden_high: int
    output_low: int
    output_high: int


_jit = cast(Any, numba.njit)
_step = _jit(cache=True, nogil=True)(step)


@_jit(cache=True, nogil=True)
def _learn_images(
    images: Any,
    labels: Any,
    thin: Any,
    pixels: Any,
    spike_tick: Any,
    hidden: Any,
    output: Any,
    constants: Any,
    state: Any,
    decision: Any,
    updated: Any,
    rows: Any,
    changed: Any,
) -> Any:
    """Learn image after image; returns the generator's state. The steps and draws are :func:`sim.learn.learn`'s."""
    for index in range(len(images)):
        order, starts = spikes_by_tick(images[index], pixels, spike_tick, constants.last_tick)
        hidden_tick = np.full(hidden.shape[1], constants.last_tick + 1, np.int32)
        output_tick = np.full(output.shape[1], constants.last_tick + 1, np.int32)
        current = np.full(hidden.shape[1], -constants.hidden_threshold, np.int32)
        decision[index], end = _watch(
            *(order, starts, hidden, output, constants, labels[index]), *(hidden_tick, output_tick, current)
        )
        sign = _wanted(output_tick, labels[index], constants)
        if not sign.any():
            continue
        updated[index] = True
        delta = _vote(output, hidden_tick, output_tick, current, sign, constants)
        state, taken, different = _update_output(output, hidden_tick, output_tick, sign, constants, state, thin[index])
        rows[index] += taken
        changed[index] += different
        state, taken, different = _update_hidden(
            *(hidden, order, starts[: end + 1], hidden_tick, delta), *(constants, state, thin[index])
        )
        rows[index] += taken
        changed[index] += different
    return state


@_jit(cache=True, nogil=True)
def _watch(
    order: Any,
    starts: Any,
    hidden: Any,
    output: Any,
    constants: Any,
    label: Any,
    hidden_tick: Any,
    output_tick: Any,
    current: Any,
) -> Any:
    """Run one image; returns its decision and the tick at which it ended: spikes before that tick were delivered."""
    silent = constants.last_tick + 1
    potential = current * np.int32(constants.ticks_per_unit)
    output_current = np.full(len(output_tick), -constants.output_threshold, np.int32)
    output_potential = output_current * np.int32(constants.ticks_per_unit)
    decision = -1
    for tick in range(silent):
        if tick > 0:
            add(potential, current)
            add(output_potential, output_current)
        if decision < 0 and output_potential.max() >= 0:
            decision = output_potential.argmax()
        for neuron in range(len(output_tick)):
            if output_potential[neuron] >= 0 and output_tick[neuron] == silent:
                output_tick[neuron] = tick
        if tick >= output_tick[label] + constants.margin:
            return decision, tick
        for neuron in order[starts[tick] : starts[tick + 1]]:
            add(current, hidden[neuron])
        for neuron in range(len(hidden_tick)):
            if potential[neuron] >= 0 and hidden_tick[neuron] == silent:
                hidden_tick[neuron] = tick
                add(output_current, output[neuron])
    return (decision if decision >= 0 else output_potential.argmax()), silent


@_jit(cache=True, nogil=True)
def _wanted(output_tick: Any, label: Any, constants: Any) -> Any:
    end = min(output_tick[label] + constants.margin, constants.last_tick)
    sign = np.zeros(len(output_tick), np.int8)
    for neuron in range(len(output_tick)):
        if neuron != label and output_tick[neuron] <= end:
            sign[neuron] = -1
    if sign.any() or output_tick[label] > constants.last_tick:
        sign[label] = 1
    return sign


@_jit(cache=True, nogil=True)
def _vote(output: Any, hidden_tick: Any, output_tick: Any, current: Any, sign: Any, constants: Any) -> Any:
    delta = np.zeros(len(hidden_tick), np.int8)
    for neuron in range(len(hidden_tick)):
        near = hidden_tick[neuron] > constants.last_tick and current[neuron] > -constants.reach
        vote = 0
        for place in range(len(sign)):
            if near or hidden_tick[neuron] < output_tick[place]:
                vote += sign[place] * np.sign(output[neuron, place])
        delta[neuron] = np.sign(vote)
    return delta


@_jit(cache=True, nogil=True)
def _update_output(
    output: Any, hidden_tick: Any, output_tick: Any, sign: Any, constants: Any, state: Any, thin: Any
) -> Any:
    taken = 0
    different = 0
    due = np.zeros(len(sign), np.int8)
    for neuron in range(len(hidden_tick)):
        if hidden_tick[neuron] <= constants.last_tick:
            state = _step(state)
            if state >> 24 >= thin:
                for place in range(len(sign)):
                    due[place] = sign[place] if hidden_tick[neuron] < output_tick[place] else 0
                different += _move(output[neuron], due, constants.output_low, constants.output_high)
                taken += 1
    return state, taken, different


@_jit(cache=True, nogil=True)
def _update_hidden(
    hidden: Any, order: Any, starts: Any, hidden_tick: Any, delta: Any, constants: Any, state: Any, thin: Any
) -> Any:
    taken = 0
    different = 0
    for tick in range(len(starts) - 1):
        inputs = order[starts[tick] : starts[tick + 1]]
        if len(inputs) == 0:
            continue
        due = np.where(tick < hidden_tick, delta, np.int8(0))
        for neuron in inputs:
            state = _step(state)
            if state >> 24 >= thin:
                different += _move(hidden[neuron], due, constants.hidden_low, constants.hidden_high)
                taken += 1
    return state, taken, different


@_jit(cache=True, nogil=True)
def _move(weight: Any, due: Any, low: Any, high: Any) -> Any:
    """Add -1, 0 or +1 to each weight, saturating; returns how many changed."""
    different = 0
    for neuron in range(len(weight)):  # comparisons, not min and max: they stay 8 bits wide in SIMD registers
        up = due[neuron] > 0 and weight[neuron] < high
        down = due[neuron] < 0 and weight[neuron] > low
        weight[neuron] += up
        weight[neuron] -= down
        different += up or down
    return different
