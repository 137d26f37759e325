"""What the state of a neuron provably never leaves: the only place where widths are proved.

All of it is integers, and for any samples at all: nothing here is measured on data.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.fixed_point import Bounds, truncated
from sim.neuron import Neuron

MAX_BITS = 32
"""Widest current or potential supported; wide enough for any network that trains, and native to
every simulator.
"""

HOPELESS = 2**40
"""Bounds that grow over it are not followed any further: no machine is that wide."""

PATIENCE = 2**16
"""Ticks that are followed one by one; what leaks has settled by then, and what does not leak grows
by the same amount at every tick.
"""

UNIT = 2**32
"""1.0 in the response to one spike, which is rounded up at every tick."""


@dataclass(frozen=True)
class StateBounds:
    """What the state of a layer's neurons provably never leaves."""

    current: Bounds
    potential: Bounds

    @property
    def bits(self) -> int:
        """Width of the wider one."""
        return max(self.current.bits, self.potential.bits)


@dataclass(frozen=True)
class Premise:
    """What the ticks of a sample can bring a layer: the premises of :func:`prove`.

    :param ticks_per_unit: R of the network.
    :param first_tick: the first tick at which a spike can reach the layer.
    :param last_tick: K of the network.
    :param spikes_per_source: how often a neuron that feeds the layer can spike, at different ticks.
    :param only_sources: whether nothing else is added at a tick: the layer has no recurrent rows
        and no bias.
    """

    ticks_per_unit: int
    first_tick: int
    last_tick: int
    spikes_per_source: int
    only_sources: bool


class Inflow(NamedTuple):
    """Sums of weights that can reach each neuron at one tick, int64 (n,) each.

    :param low: the least that one spike of every source brings.
    :param high: the greatest.
    :param own_low: the least that spikes of the layer itself bring, through recurrent rows.
    :param own_high: the greatest.
    :param bias: what every tick brings.
    """

    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    own_low: npt.NDArray[np.int64]
    own_high: npt.NDArray[np.int64]
    bias: npt.NDArray[np.int64]


class Range(NamedTuple):
    """Least and greatest value of each neuron, integers (n,)."""

    low: npt.NDArray[Any]
    high: npt.NDArray[Any]


class StateRange(NamedTuple):
    """What the state of each neuron never leaves."""

    current: Range
    potential: Range

    def union(self) -> StateBounds:
        """Return what the state of no neuron leaves."""
        return StateBounds(
            *(Bounds(int(each.low.min()), int(each.high.max())) for each in self)  # type: ignore[arg-type]
        )


def prove(
    neuron: Neuron, inflow: Inflow, premise: Premise, start: npt.NDArray[np.int64]
) -> StateRange:
    """Return what current and potential of neurons never leave, over any input and all ticks.

    :param neuron: what they are.
    :param inflow: what can reach them.
    :param premise: the ticks, and what can happen in them.
    :param start: int64 (n,), what is added to the potential that a sample starts from.
    """
    inflow = Inflow(*(each.astype(np.int64) << neuron.fraction for each in inflow))
    holds = neuron.membrane == neuron.synapse == 256 and neuron.reset in ("once", "never")
    if neuron.ramp or holds:
        return _hold(neuron, inflow, premise, start)

    followed = _follow(neuron, inflow, premise, start)
    if not premise.only_sources or premise.last_tick > PATIENCE:
        return followed

    # both proofs hold, so the narrower one holds
    summed = _sum(neuron, inflow, premise, start)
    return StateRange(
        *(
            Range(np.maximum(one.low, other.low), np.minimum(one.high, other.high))
            for one, other in zip(followed, summed, strict=True)
        )
    )


def _hold(
    neuron: Neuron, inflow: Inflow, premise: Premise, start: npt.NDArray[np.int64]
) -> StateRange:
    """Prove the bounds of neurons without leaks that no spike clears: on a ramp, up to a window, or
    those that only sum.

    Every source spikes at most S times, at different ticks from ``first_tick`` f on, so a weight
    adds at most w S to the current, and to the potential of tick k at most w G(k), with G(k) the
    sum of k - f - j over j = 0 ... S - 1, as far as positive. G is convex up to where all S spikes
    are there, and linear after that; a ramp is linear: so a potential is extreme at either end, and
    for sources that spike once both ends are reached. Recurrent rows and a bias count as sources
    that spike at every tick. Reset ``subtract`` takes T (R + k) at most N times, where N T (R + k)
    is at most what can have come in.
    """
    last = min(premise.last_tick, neuron.window[0]) if neuron.window else premise.last_tick
    ticks = max(last - min(premise.first_tick, last), 0)
    spikes = min(premise.spikes_per_source, ticks + 1)
    gain, every = _gain(spikes, ticks), _gain(last, last)

    # Python's integers: T (R + k) of a long sample does not fit 64 bits
    low, high, own_low, own_high, bias, start = (each.astype(object) for each in (*inflow, start))
    own_low, own_high = own_low + np.minimum(bias, 0), own_high + np.maximum(bias, 0)
    added = Range(gain * low + every * own_low, gain * high + every * own_high)

    current, potential = neuron.origin(premise.ticks_per_unit)
    begin, end = start + potential, start + potential + last * current
    taken = neuron.threshold * _most_taken(neuron, added.high, start, premise)
    end_low = end + added.low - taken * (premise.ticks_per_unit + last)
    return StateRange(
        Range(
            current + spikes * low + (last + 1) * own_low - taken,
            current + spikes * high + (last + 1) * own_high,
        ),
        Range(np.minimum(begin, end_low), np.maximum(begin, end + added.high)),
    )


def _gain(spikes: int, ticks: int) -> int:
    """Return the sum of ticks - j over j = 0 ... spikes - 1, as far as positive."""
    count = min(spikes, ticks)
    return count * ticks - count * (count - 1) // 2


def _most_taken(
    neuron: Neuron, inflow: npt.NDArray[Any], start: npt.NDArray[Any], premise: Premise
) -> npt.NDArray[Any]:
    """Return how often reset ``subtract`` can act on a ramp: spike n at tick k needs n T (R + k).

    :param inflow: the greatest sums that can have been added to the potentials.
    """
    if neuron.reset != "subtract":
        return np.zeros_like(inflow)

    # what sources add grows faster than R + k, what a sample starts with does not grow at all
    unit, end = premise.ticks_per_unit, premise.ticks_per_unit + premise.last_tick
    most = (np.maximum(start, 0) * end + inflow * unit) // (neuron.threshold * unit * end)
    return np.minimum(most, min(premise.last_tick, neuron.limit or premise.last_tick))


def _follow(
    neuron: Neuron, inflow: Inflow, premise: Premise, start: npt.NDArray[np.int64]
) -> StateRange:
    """Follow the least and the greatest state from tick to tick.

    All steps of the machine are monotone: more current gives more potential, and truncation keeps
    order. So the least state after a tick comes from the least before it, with the least inflow;
    only a spike breaks the order, and :func:`_advance` says how. Everything that can come is taken
    to come at every tick, from the first one on.
    """
    low = inflow.low + inflow.own_low + inflow.bias
    high = inflow.high + inflow.own_high + inflow.bias

    # without a start nothing moves before the first spike, or before the bias of tick 0
    ticks = premise.last_tick
    if premise.only_sources and not start.any():
        ticks -= min(premise.first_tick, ticks)

    state = StateRange(Range(low, high), Range(start, start))
    found = StateRange(Range(np.minimum(low, 0), np.maximum(high, 0)), state.potential)
    for tick in range(1, ticks + 1):
        before, potential = state, _advance(neuron, state)
        current = Range(
            truncated(neuron.synapse, state.current.low) + low,
            truncated(neuron.synapse, state.current.high) + high,
        )
        state = StateRange(current, potential)
        found = _union(found, state)

        values, earlier = np.array(state), np.array(before)
        if (values == earlier).all() or np.abs(values).max() > HOPELESS:
            break
        if tick == PATIENCE:
            # each further tick adds what this one did
            ahead = np.array(found) + (ticks - tick) * (values - earlier)
            return _union(found, StateRange(*(Range(*each) for each in ahead)))
    return found


def _advance(neuron: Neuron, state: StateRange) -> Range:
    """Return the potentials after an advance.

    A neuron that reset ``zero`` has just put to 0 comes from 0, and one that has not fired from
    below T. Where a spike subtracts T the potential was T at least. A neuron that has used up its
    ``limit``, or that fires once or never, can keep any potential.
    """
    (low, high), keep = state.potential, neuron.membrane
    spent = neuron.limit > 0 or neuron.reset in ("once", "never")
    below = high if spent else np.minimum(high, neuron.threshold - 1)

    least, most = truncated(keep, low), truncated(keep, below)
    fires = high >= neuron.threshold
    if neuron.reset == "zero":
        least = np.where(fires, np.minimum(least, 0), least)
        most = np.where(fires, np.maximum(most, 0), most)
    elif neuron.reset == "subtract":
        after_least = truncated(keep, np.maximum(low, neuron.threshold)) - neuron.threshold
        after_most = truncated(keep, high) - neuron.threshold
        least = np.where(fires, np.minimum(least, after_least), least)
        most = np.where(fires, np.maximum(most, after_most), most)
    return Range(least + state.current.low, most + state.current.high)


def _sum(
    neuron: Neuron, inflow: Inflow, premise: Premise, start: npt.NDArray[np.int64]
) -> StateRange:
    """Prove the bounds of neurons whose sources spike at most S times each.

    Leaks only ever bring a state closer to 0, so what one spike adds to a potential is at most its
    weight times the largest response of the leaks alone, without truncation; and neither the spikes
    of others nor a reset make it larger. The start only shrinks as well. After reset ``subtract`` a
    potential was T at least, so that it is not below what leaks from T.
    """
    ticks = premise.last_tick - min(premise.first_tick, premise.last_tick)
    response = _largest_response(neuron, ticks)

    # Python's integers: a sum times the unit of responses does not fit 64 bits
    low, high = (
        premise.spikes_per_source * each.astype(object) for each in (inflow.low, inflow.high)
    )

    after = 0
    if neuron.reset == "subtract":
        after = (neuron.membrane * neuron.threshold) // 256 - neuron.threshold
    return StateRange(
        Range(low, high),
        Range(
            np.minimum(start, after) + low * response // UNIT,
            np.maximum(start, 0) - -high * response // UNIT,
        ),
    )


def _largest_response(neuron: Neuron, ticks: int) -> int:
    """Return the largest potential, in parts of :data:`UNIT`, that a spike of weight 1 can bring,
    rounded up.
    """
    current, potential, largest = UNIT, 0, 0
    for _ in range(ticks):
        before = current, potential
        potential = -(-neuron.membrane * potential // 256) + current
        current = -(-neuron.synapse * current // 256)
        largest = max(largest, potential)
        if (current, potential) == before:
            break
    return largest


def _union(one: StateRange, other: StateRange) -> StateRange:
    """Return what neither leaves."""
    return StateRange(
        *(
            Range(np.minimum(first.low, second.low), np.maximum(first.high, second.high))
            for first, second in zip(one, other, strict=True)
        )
    )
