"""Learning in place over many labelled images, one after the other: :mod:`sim.learning.supervised`
compiled, and equal to it.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.batch import add
from sim.compiled import is_ended, jit, start, winner
from sim.errors import InputError, check_labels
from sim.learning.supervised import SKIP_LEVELS, Rule, check_learnable, step
from sim.network import Network


@dataclass(frozen=True)
class Lessons:
    """What n labelled images did, each field (n,).

    :param decision: class, before the image.
    :param updated: whether it had anything to teach.
    :param rows: rows of output and input weights that were taken.
    :param changed: number of weights that are different afterwards.
    """

    decision: npt.NDArray[np.int32]
    updated: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int32]
    changed: npt.NDArray[np.int32]


class Learner:
    """A network whose weights move with every labelled image.

    :param network: with the weights to start from.
    :param rule: what the images teach.
    :param state: of the generator, 1 .. 2^32 - 1.
    :raises InputError: the network cannot learn.
    """

    def __init__(self, network: Network, rule: Rule, state: int = 1) -> None:
        check_learnable(network, state)
        self.state = state
        self._start = network
        self._weight = network.layers[0].weight.copy(), network.layers[1].weight.copy()
        hidden, output = network.layers
        self._readout = network.readout.compiled()
        self._machine = _Machine(
            *self._weight,
            *(hidden.threshold, output.threshold, network.ticks_per_unit, network.last_tick),
            *(rule.margin, rule.reach, rule.rivals, (1 << rule.noise_bits) - 1),
            *(hidden.form.low, hidden.form.high, output.form.low, output.form.high),
        )

    @property
    def network(self) -> Network:
        """The network as it is now."""
        pairs = zip(self._start.layers, self._weight, strict=True)
        return replace(
            self._start, layers=tuple(layer.with_weight(weight) for layer, weight in pairs)
        )

    def learn(
        self, images: npt.NDArray[Any], labels: npt.NDArray[Any], skip: npt.NDArray[np.integer[Any]]
    ) -> Lessons:
        """Learn images uint8 (n, height, width) in order, with labels (n,) and ``skip`` (n,) in
        0..255.

        :raises InputError: the images, labels or ``skip`` are of another type, shape or range.
        """
        encoder = self._start.encoder
        count = encoder.count(images)
        check_labels(labels, count, len(self._start.classes))
        if skip.shape != (count,) or not ((skip >= 0) & (skip < SKIP_LEVELS)).all():
            raise InputError(
                f"skip: must be {count} integers, one per image, in 0..{SKIP_LEVELS - 1}."
            )

        decision, rows, changed = (np.zeros(count, np.int32) for _ in range(3))
        updated = np.zeros(count, np.bool_)
        course = encoder.spike_list(images), labels.astype(np.int64), skip.astype(np.int64)
        self.state = _learn_images(
            *course, self._readout, self._machine, self.state, decision, updated, rows, changed
        )
        return Lessons(decision, updated, rows, changed)


class _Machine(NamedTuple):
    """The network and the rule's constants for the compiled loop; both weights change.

    :param hidden: int8 (inputs, hidden), weights.
    :param output: int8 (hidden, classes), weights.
    :param noise: mask of the low ``noise_bits`` of a draw.
    """

    hidden: npt.NDArray[np.int8]
    output: npt.NDArray[np.int8]
    hidden_threshold: int
    output_threshold: int
    ticks_per_unit: int
    last_tick: int
    margin: int
    reach: int
    rivals: int
    noise: int
    hidden_low: int
    hidden_high: int
    output_low: int
    output_high: int


class _Watch(NamedTuple):
    """The ticks at which neurons fired (K + 1: silent) and the hidden currents:
    :class:`sim.learning.supervised.Watch`.
    """

    hidden_tick: npt.NDArray[np.int32]
    output_tick: npt.NDArray[np.int32]
    current: npt.NDArray[np.int32]


_step = jit(nogil=True)(step)


@jit(nogil=True)
def _learn_images(
    inputs: Any,
    labels: Any,
    skip: Any,
    readout: Any,
    machine: Any,
    state: Any,
    decision: Any,
    updated: Any,
    rows: Any,
    changed: Any,
) -> Any:
    """Learn image after image; returns the generator's state. The steps and draws are
    :func:`sim.learning.supervised.learn`'s.
    """
    silent = machine.last_tick + 1
    for index in range(len(labels)):
        order, starts = _by_tick(inputs, index, machine.last_tick)
        watch = _Watch(
            np.full(machine.hidden.shape[1], silent, np.int32),
            np.full(machine.output.shape[1], silent, np.int32),
            np.full(machine.hidden.shape[1], -machine.hidden_threshold, np.int32),
        )
        decision[index], end = _run(readout, machine, order, starts, labels[index], watch)
        sign = _wanted(machine, watch, labels[index])
        if not sign.any():
            continue

        # the order of the draws: output weights by hidden neuron, then input weights by spike
        updated[index] = True
        delta = _error(machine, watch, sign)
        state, output_rows, first = _update_output(machine, watch, sign, delta, state, skip[index])
        starts = starts[: end + 1]  # of the ticks whose spikes were delivered
        state, input_rows, second = _update_hidden(
            machine, watch, order, starts, delta, state, skip[index]
        )
        rows[index] = output_rows + input_rows
        changed[index] = first + second
    return state


@jit(nogil=True)
def _by_tick(inputs: Any, index: Any, last_tick: Any) -> Any:
    """Return the inputs that fire in an image, and where each tick begins: those of tick k are
    order[starts[k]:starts[k + 1]].
    """
    first, end = inputs.start[index], inputs.start[index + 1]
    starts = np.zeros(last_tick + 2, np.int64)
    for event in range(first, end):
        starts[inputs.tick[event] + 1] += 1
    return inputs.input[first:end], starts.cumsum()


@jit(nogil=True)
def _run(readout: Any, machine: Any, order: Any, starts: Any, label: Any, watch: Any) -> Any:
    """Run one image; returns its decision and the tick at which it ended: spikes before that tick
    were delivered.
    """
    silent = machine.last_tick + 1

    # a sample starts with current -T and potential -T R
    potential = watch.current * np.int32(machine.ticks_per_unit)
    current = np.full(len(watch.output_tick), -machine.output_threshold, np.int32)
    output = current * np.int32(machine.ticks_per_unit)

    memory = start(readout, len(output))
    ended, decision = False, 0
    for tick in range(silent):
        if tick > 0:
            add(potential, watch.current)
            add(output, current)

        # the decision stands, though the image runs on
        if not ended:
            # of neurons on a ramp the level is 0; none of them has counted a spike
            ended = is_ended(readout, memory, output, 0)
            decision = winner(readout, memory, output, watch.output_tick)

        for neuron in range(len(output)):
            if output[neuron] >= 0 and watch.output_tick[neuron] == silent:
                watch.output_tick[neuron] = tick

        # nothing of the tick that ends the image is read
        if tick >= watch.output_tick[label] + machine.margin:
            return decision, tick

        for neuron in order[starts[tick] : starts[tick + 1]]:
            add(watch.current, machine.hidden[neuron])
        for neuron in range(len(potential)):
            if potential[neuron] >= 0 and watch.hidden_tick[neuron] == silent:
                watch.hidden_tick[neuron] = tick
                add(current, machine.output[neuron])

    return decision, silent


@jit(nogil=True)
def _wanted(machine: Any, watch: Any, label: Any) -> Any:
    """Return what each output's weights should do: :func:`sim.learning.supervised.wanted`."""
    sign = np.zeros(len(watch.output_tick), np.int8)
    end = min(watch.output_tick[label] + machine.margin, machine.last_tick)

    # each round finds the earliest output that is no rival yet; at one tick, the lowest index
    for _ in range(machine.rivals):
        rival = -1
        for neuron in range(len(sign)):
            tick = watch.output_tick[neuron]
            if (
                neuron != label
                and sign[neuron] == 0
                and tick <= end
                and (rival < 0 or tick < watch.output_tick[rival])
            ):
                rival = neuron
        if rival < 0:
            break
        sign[rival] = -1

    if sign.any() or watch.output_tick[label] > machine.last_tick:
        sign[label] = 1
    return sign


@jit(nogil=True)
def _takes_part(machine: Any, watch: Any, neuron: Any) -> Any:
    return watch.hidden_tick[neuron] <= machine.last_tick or watch.current[neuron] > -machine.reach


@jit(nogil=True)
def _error(machine: Any, watch: Any, sign: Any) -> Any:
    """Return what each hidden neuron is blamed for, by the weights before this image."""
    error = np.zeros(len(watch.hidden_tick), np.int16)
    for neuron in range(len(error)):
        if _takes_part(machine, watch, neuron):
            silent = watch.hidden_tick[neuron] > machine.last_tick
            for output in range(len(sign)):
                if silent or watch.hidden_tick[neuron] < watch.output_tick[output]:
                    error[neuron] += sign[output] * machine.output[neuron, output]
    return error


@jit(nogil=True)
def _update_output(machine: Any, watch: Any, sign: Any, delta: Any, state: Any, skip: Any) -> Any:
    """Update the output weights, and round the errors in ``delta`` to -1, 0 or +1 in place."""
    rows = 0
    changed = 0
    due = np.zeros(len(sign), np.int8)
    for neuron in range(len(delta)):
        if not _takes_part(machine, watch, neuron):
            continue

        # one draw for both: its low bits round the error, its high bits take the row or not
        state = _step(state)
        delta[neuron] = np.sign(delta[neuron]) if state & machine.noise < abs(delta[neuron]) else 0

        if watch.hidden_tick[neuron] <= machine.last_tick and state >> 24 >= skip:
            for output in range(len(sign)):
                due[output] = (
                    sign[output] if watch.hidden_tick[neuron] < watch.output_tick[output] else 0
                )
            changed += _move(machine.output[neuron], due, machine.output_low, machine.output_high)
            rows += 1

    return state, rows, changed


@jit(nogil=True)
def _update_hidden(
    machine: Any, watch: Any, order: Any, starts: Any, delta: Any, state: Any, skip: Any
) -> Any:
    """Update the input weights, tick by tick, so that ``due`` is worked out once per tick."""
    rows = 0
    changed = 0
    due = np.zeros(len(delta), np.int8)

    for tick in range(len(starts) - 1):
        for neuron in range(len(due)):
            due[neuron] = delta[neuron] if tick < watch.hidden_tick[neuron] else 0

        for neuron in order[starts[tick] : starts[tick + 1]]:
            state = _step(state)
            if state >> 24 >= skip:
                changed += _move(
                    machine.hidden[neuron], due, machine.hidden_low, machine.hidden_high
                )
                rows += 1

    return state, rows, changed


@jit(nogil=True)
def _move(weight: Any, due: Any, low: Any, high: Any) -> Any:
    """Add -1, 0 or +1 to each weight, saturating; returns how many changed."""
    changed = 0
    # comparisons, not min and max: they stay 8 bits wide in SIMD registers
    for neuron in range(len(weight)):
        up = due[neuron] > 0 and weight[neuron] < high
        down = due[neuron] < 0 and weight[neuron] > low
        weight[neuron] += up
        weight[neuron] -= down
        changed += up or down
    return changed
