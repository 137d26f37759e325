"""Learning in place, one labelled image at a time: the specification that
:mod:`sim.learning.supervised_batch` and hardware equal.

On the way back a hidden neuron needs a few additions and one comparison; no multiplier, no stored
gradient:

1. *Watch.* The image runs as in :mod:`sim.pipeline`, on past its decision, until the label's output
   has fired and ``margin`` more ticks have passed, or to tick K. Nothing of the tick at which it
   ends is read. A neuron that has not fired by then counts as fired at tick K + 1 (``silent``).
2. *Judge.* The *rivals* are the first to fire (at one tick, the lowest index) of the outputs other
   than the label's, as far as they fired no later than ``margin`` ticks after it; at most
   ``rivals`` of them. When there are none and the label's output fired, the image teaches nothing.
3. *Blame.* A hidden neuron *contributed* to an output when it fired at an earlier tick than the
   output. One that is silent with a current above ``-reach`` nearly fired, and counts as if it had
   contributed to all. Its ``error`` is its weight to the label's output less its weights to the
   rivals, each only if it contributed to that output (the weights before this image): an earlier
   spike helps if it is positive, a later one if it is negative.
4. *Update the output weights.* For every hidden neuron that fired or nearly fired, by index: draw.
   Its ``delta`` is the sign of its error if the low ``noise_bits`` bits of the draw are below the
   error's magnitude, else 0: the error rounded at random to -1, 0 or +1. If it fired and its row is
   taken, add 1 to its weight to the label's output and -1 to its weights to the rivals, each only
   if it contributed to that output.
5. *Update the input weights.* For every input spike, in order of delivery: draw; if its row is
   taken, add ``delta`` to its weights to the hidden neurons that fired at a later tick (or stayed
   silent).

Every sum saturates at the weight format's limits. A *draw* is one step of the generator
:func:`step`; a row is taken when the top 8 bits of the new state are at least ``skip``. A row that
is not taken costs no memory cycle.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sim.bounds import MAX_BITS
from sim.connections.dense import Dense
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron

SKIP_LEVELS = 256
"""A row is skipped with probability ``skip`` / SKIP_LEVELS; ``skip`` is in 0..SKIP_LEVELS - 1."""


@dataclass(frozen=True)
class Rule:
    """The constants of the rule.

    :param margin: ticks by which the label's output must fire before any other; 0..2^31-1.
    :param reach: a silent hidden neuron takes part when its current is above ``-reach``; 0 asks for
        a rising potential.
    :param rivals: 1..255, the most outputs whose weights an image lowers.
    :param noise_bits: 0..8; an error of 2^noise_bits or more is always acted on.
    :raises InputError: one of them is out of range.
    """

    margin: int
    reach: int
    rivals: int = 1
    noise_bits: int = 6

    def __post_init__(self) -> None:
        if not (0 <= self.margin < 2**31 and 0 <= self.reach < 2**31):
            raise InputError(
                f"rule: margin {self.margin} and reach {self.reach} must be in 0..2^31-1."
            )
        if not (1 <= self.rivals <= 255 and 0 <= self.noise_bits <= 8):
            raise InputError(
                f"rule: rivals {self.rivals} must be in 1..255 and noise_bits {self.noise_bits} "
                "in 0..8."
            )


@dataclass(frozen=True)
class Watch:
    """When neurons fired during one image, and what the hidden currents were when it ended.

    :param decision: class, as :func:`sim.pipeline.run` decides.
    :param inputs: the input neurons that spiked, in order of delivery.
    :param input_tick: int64 (inputs,), when each input neuron fired; K + 1 if silent.
    :param hidden_tick: int64 (hidden,), likewise.
    :param output_tick: int64 (classes,), likewise.
    :param hidden_current: int64 (hidden,), at the end.
    """

    decision: int
    inputs: list[int]
    input_tick: npt.NDArray[np.int64]
    hidden_tick: npt.NDArray[np.int64]
    output_tick: npt.NDArray[np.int64]
    hidden_current: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lesson:
    """What one labelled image did.

    :param network: with the weights after it.
    :param state: of the generator after it.
    :param decision: class, before it.
    :param updated: whether it had anything to teach.
    :param rows: rows of output and input weights that were taken.
    :param changed: number of weights that are different now.
    """

    network: Network
    state: int
    decision: int
    updated: bool
    rows: int
    changed: int


def step(state: int) -> int:
    """Return the generator's next state: xorshift32 (Marsaglia 2003), a linear feedback shift
    register.

    :param state: 1 .. 2^32 - 1; all of them follow one another in one cycle.

    Each new bit is the exclusive or of a few old ones, so one step is one clock cycle of 32
    flip-flops.
    """
    state ^= state << 13 & 0xFFFFFFFF
    state ^= state >> 17
    return state ^ (state << 5 & 0xFFFFFFFF)


def check_learnable(network: Network, state: int) -> None:
    """Check that a network can learn: two layers, and potentials that fit whatever the weights
    become.

    :raises InputError: otherwise, or when ``state`` is not a state of the generator.
    """
    if len(network.layers) != 2:
        raise InputError(
            f"layers: learning needs 2 (hidden, output), this network has {len(network.layers)}."
        )
    for index, layer in enumerate(network.layers):
        usual = isinstance(layer.connection, Dense) and layer.neuron == Neuron(layer.threshold)
        if not usual or layer.start is not None or layer.form.signs:
            raise InputError(
                f"layers.{index}: learning needs dense layers of neurons that fire once on a ramp, "
                "without start, and weights that can be 0."
            )
    if not 0 < state < 1 << 32:
        raise InputError(f"state: must be in 1..2^32 - 1, not {state}.")
    for index in range(len(network.layers)):
        bits = network.bounds(index, any_weights=True).bits
        if bits > MAX_BITS:
            raise InputError(
                f"layers.{index}: its potentials may need {bits} bits while it learns; "
                "use fewer ticks."
            )


def learn(
    network: Network,
    image: npt.NDArray[np.uint8],
    label: int,
    rule: Rule,
    state: int,
    skip: int = 0,
) -> Lesson:
    """Show one labelled image to a network of two layers.

    :param image: uint8 (height, width).
    :param state: of the generator, 1 .. 2^32 - 1.
    :param skip: 0 .. 255.
    :raises InputError: the network cannot learn, or the image, the label or ``skip`` is out of
        range.
    """
    check_learnable(network, state)
    if not (0 <= label < len(network.classes) and 0 <= skip < SKIP_LEVELS):
        raise InputError(
            f"label {label}, skip {skip}: must be in 0..{len(network.classes) - 1} "
            f"and 0..{SKIP_LEVELS - 1}."
        )

    watch = watch_image(network, image, label, rule.margin)
    sign = wanted(network, watch, label, rule)
    if not sign.any():
        return Lesson(network, state, watch.decision, False, 0, 0)
    return _update(network, watch, sign, rule, state, skip)


def _update(
    network: Network,
    watch: Watch,
    sign: npt.NDArray[np.int64],
    rule: Rule,
    state: int,
    skip: int,
) -> Lesson:
    """Blame the hidden neurons, and update output weights, then input weights."""
    silent = network.last_tick + 1

    # blame, by the weights before this image
    near = (watch.hidden_tick == silent) & (watch.hidden_current > -rule.reach)
    contributed = watch.hidden_tick[:, np.newaxis] < watch.output_tick
    hidden, output = (layer.weight.astype(np.int64) for layer in network.layers)
    error = ((contributed | near[:, np.newaxis]) * sign * output).sum(axis=1)

    # the order of the draws is the order of the rows: output weights first
    delta = np.zeros_like(error)
    rows = 0
    for neuron in np.flatnonzero((watch.hidden_tick < silent) | near):
        state = step(state)
        if state & (1 << rule.noise_bits) - 1 < abs(error[neuron]):
            delta[neuron] = np.sign(error[neuron])
        if watch.hidden_tick[neuron] < silent and state >> 24 >= skip:
            output[neuron] += contributed[neuron] * sign
            rows += 1

    # then input weights, a row per input spike, in order of delivery
    for neuron in watch.inputs:
        state = step(state)
        if state >> 24 >= skip:
            hidden[neuron] += np.where(watch.input_tick[neuron] < watch.hidden_tick, delta, 0)
            rows += 1

    # no weight moves twice, so saturating at the end is saturating every sum
    layers = tuple(_saturated(*pair) for pair in zip(network.layers, (hidden, output), strict=True))
    changed = sum(
        int((a.weight != b.weight).sum()) for a, b in zip(network.layers, layers, strict=True)
    )
    return Lesson(replace(network, layers=layers), state, watch.decision, True, rows, changed)


def wanted(network: Network, watch: Watch, label: int, rule: Rule) -> npt.NDArray[np.int64]:
    """Return what each output's weights should do, int64 (classes,): +1 for the label's, -1 for a
    rival's, else 0.

    All are 0 when the image teaches nothing.
    """
    end = min(watch.output_tick[label] + rule.margin, network.last_tick)

    # stable: of those that fired at one tick the lowest index comes first
    early = [
        output
        for output in np.argsort(watch.output_tick, kind="stable")
        if watch.output_tick[output] <= end
    ]

    sign = np.zeros_like(watch.output_tick)
    sign[[output for output in early if output != label][: rule.rivals]] = -1
    if sign.any() or watch.output_tick[label] > network.last_tick:
        sign[label] = 1
    return sign


def watch_image(network: Network, image: npt.NDArray[np.uint8], label: int, margin: int) -> Watch:
    """Run one image until the label's output has fired and ``margin`` ticks have passed, or to the
    last tick.
    """
    spikes = network.encoder.spikes(image)
    hidden, output = (layer.neurons(network.ticks_per_unit) for layer in network.layers)
    decider = network.readout.start(len(network.classes))

    silent = network.last_tick + 1
    input_tick, hidden_tick, output_tick = (
        np.full(n, silent, np.int64)
        for n in (network.encoder.inputs, *(layer.fan_out for layer in network.layers))
    )

    inputs: list[int] = []
    ended, decision = False, 0
    for tick in range(silent):
        if tick > 0:
            hidden.advance()
            output.advance()

        # the decision stands, though the image runs on
        if not ended:
            ended, decision = decider.ended(output), decider.winner(output)
        output_tick[output.fire()] = tick

        # nothing of the tick that ends the image is read
        if tick >= output_tick[label] + margin:
            break

        now = [spike.neuron for spike in spikes if spike.tick == tick]
        input_tick[now] = tick
        inputs += now
        firing = hidden.fire()
        hidden_tick[firing] = tick

        for neuron in now:
            hidden.deliver(neuron)
        for neuron in firing:
            output.deliver(int(neuron))

    return Watch(decision, inputs, input_tick, hidden_tick, output_tick, hidden.current)


def _saturated(layer: Layer, weight: npt.NDArray[np.int64]) -> Layer:
    form = layer.form
    return layer.with_weight(weight.clip(form.low, form.high).astype(np.int8))
