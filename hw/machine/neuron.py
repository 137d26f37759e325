"""The arithmetic of one neuron, which every lane has: twin of :class:`sim.neuron.Neuron`.

THE NEURON'S ARITHMETIC IS HERE AND NOWHERE ELSE in ``hw``; :mod:`sim.neuron` states the same in
software. Where a neuron has a ramp, its threshold is in the state that an image starts with, so it
fires when its potential is not negative.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.utils import bits_for

from hw.arithmetic import is_shift, leak, leaked, total, with_carry
from sim.neuron import HOLDS, Neuron


class Inputs(NamedTuple):
    """What a lane works on in a cycle.

    :param current: of its neuron.
    :param state: the rest of the neuron's state: ``potential``, and what the neuron remembers.
    :param weight: what an event adds to the current.
    :param advance: the neuron advances; else a weight is delivered, or nothing is. For a lane that
        ``leaks``: no weight is delivered.
    :param level: T (R + k) at the advance to tick k.
    """

    current: Value
    state: Any
    weight: Value
    advance: Value
    level: Value


class Outputs(NamedTuple):
    """What a lane makes of it.

    :param added: the next current, where it changes.
    :param advanced: the next potential, when it advances.
    :param fires: whether it fires, when it advances.
    :param memory: what it remembers then, under the names of ``fields``.
    :param kept: the potential that is kept, where that is another one.
    """

    added: Value | None
    advanced: Value
    fires: Value
    memory: Mapping[str, Value]
    kept: Value | None = None


class Once:
    """A neuron that fires once per image: a bit remembers that it has."""

    spends = False
    keeps_current, leaks = True, False

    def __init__(self, neuron: Neuron):
        self.fields: Mapping[str, int] = {"fired": 1}

    def update(self, m: Module, lane: Inputs) -> Outputs:
        """Build one lane."""
        current, potential, fired = lane.current, lane.state.potential, lane.state.fired
        added, advanced, fires = Signal.like(current), Signal.like(potential), Signal()
        m.d.comb += [
            added.eq(current + lane.weight),
            advanced.eq(potential + current),
            fires.eq((advanced >= 0) & ~fired),
        ]
        return Outputs(added, advanced, fires, {"fired": fired | fires})


class Subtract:
    """A neuron from which each spike takes the threshold at the advance after it, T (R + k) from
    the potential and T from the current; with a limit it counts its spikes.
    """

    spends = True
    keeps_current, leaks = True, False

    def __init__(self, neuron: Neuron):
        self.threshold, self.limit = neuron.threshold, neuron.limit
        counter = {"spikes": bits_for(neuron.limit)} if neuron.limit else {}
        self.fields: Mapping[str, int] = {"spiked": 1, **counter}

    def update(self, m: Module, lane: Inputs) -> Outputs:
        """Build one lane."""
        current, potential, spiked = lane.current, lane.state.potential, lane.state.spiked
        added, advanced, fires = Signal.like(current), Signal.like(potential), Signal()
        memory = {"spiked": fires}
        allowed: Value = Const(1)
        if self.limit:
            allowed = lane.state.spikes != self.limit
            memory["spikes"] = lane.state.spikes + fires

        # The current takes part in the advance before anything is taken from it.
        change = Mux(lane.advance, Mux(spiked, -self.threshold, 0), lane.weight)
        m.d.comb += [
            added.eq(current + change),
            advanced.eq(potential + current - Mux(spiked, lane.level, 0)),
            fires.eq((advanced >= 0) & allowed),
        ]
        return Outputs(added, advanced, fires, memory)


class Never:
    """A neuron that only sums, an output for a readout that looks at the last tick."""

    spends = False
    keeps_current, leaks = True, False

    def __init__(self, neuron: Neuron):
        self.fields: Mapping[str, int] = {}

    def update(self, m: Module, lane: Inputs) -> Outputs:
        """Build one lane."""
        current, potential = lane.current, lane.state.potential
        added, advanced = Signal.like(current), Signal.like(potential)
        m.d.comb += [added.eq(current + lane.weight), advanced.eq(potential + current)]
        return Outputs(added, advanced, Const(0), {})


class Plain:
    """A neuron without ramp and window: both parts of its state can leak, and its level is T.

    :param neuron: what it is.
    :param output: it is an output whose spikes nobody counts: reaching the level ends the image.
    """

    keeps_current, leaks = True, True

    def __init__(self, neuron: Neuron, output: bool):
        self.neuron = neuron
        self.spends = neuron.synapse < HOLDS
        self.reset = "never" if output else neuron.reset

        fields = {"once": {"fired": 1}, "subtract": {"spiked": 1}}.get(self.reset, {})
        limited = neuron.limit and self.reset != "never"
        self.limit = neuron.limit if limited else 0
        counter = {"spikes": bits_for(self.limit)} if limited else {}
        self.fields: Mapping[str, int] = fields | counter

    def update(self, m: Module, lane: Inputs) -> Outputs:
        """Build one lane."""
        neuron, current, potential = self.neuron, lane.current, lane.state.potential
        added, advanced, fires = Signal.like(current), Signal.like(potential), Signal()

        # The current takes part in the advance before it leaks.
        moved = leaked(potential, neuron.membrane) + current
        if self.reset == "subtract":
            moved = moved - Mux(lane.state.spiked, neuron.threshold, 0)
        after = current + (lane.weight << neuron.fraction)
        if self.spends:
            after = Mux(lane.advance, leaked(current, neuron.synapse), after)
        m.d.comb += [added.eq(after), advanced.eq(moved)]
        if self.reset == "never":
            return Outputs(added, advanced, Const(0), {})

        m.d.comb += fires.eq(at_least(advanced, neuron.threshold) & _allowed(self, lane.state))
        kept = Mux(fires, 0, advanced) if self.reset == "zero" else None
        return Outputs(added, advanced, fires, _remember(self, lane.state, fires), kept)


def _allowed(lane: "Plain | Direct", state: Any) -> Value:
    """Return whether a neuron of these may fire once more."""
    if lane.limit:
        return state.spikes != lane.limit
    return ~state.fired if lane.reset == "once" else Const(1)


def _remember(lane: "Plain | Direct", state: Any, fires: Value) -> Mapping[str, Value]:
    """Return what a neuron of these remembers of its spikes."""
    after = {"fired": lambda: state.fired | fires, "spiked": lambda: fires}
    after["spikes"] = lambda: state.spikes + fires
    return {name: after[name]() for name in lane.fields}


class Direct:
    """The same without a current, a = 0: what is delivered is added to the potential at once.

    One word is enough, as a pass does two things: it finds who has reached the level, and leaves
    what the next tick starts with, the potential after the reset and the next leak. So an addition
    is made of the leak or of a weight, whichever it is.

    :param neuron: what it is.
    :param output: see :class:`Plain`.
    """

    spends, keeps_current, leaks = False, False, True

    def __init__(self, neuron: Neuron, output: bool):
        self.neuron = neuron
        self.reset = "never" if output else neuron.reset
        self.limit = neuron.limit if self.reset != "never" else 0
        counter = {"spikes": bits_for(self.limit)} if self.limit else {}
        self.fields: Mapping[str, int] = {"fired": 1} if self.reset == "once" else counter

    def update(self, m: Module, lane: Inputs) -> Outputs:
        """Build one lane."""
        potential, fires, kept = lane.state.potential, Signal(), Signal.like(lane.state.potential)
        m.d.comb += kept.eq(self._next(lane, fires))
        if self.reset == "never":
            return Outputs(None, potential, Const(0), {}, kept)

        memory = _remember(self, lane.state, fires)
        reached = at_least(potential, self.neuron.threshold) & _allowed(self, lane.state)
        m.d.comb += fires.eq(reached & lane.advance)
        return Outputs(None, potential, fires, memory, kept)

    def _next(self, lane: Inputs, fires: Value) -> Value:
        """Return the next word: after a weight, or after the reset and the leak."""
        neuron, potential = self.neuron, lane.state.potential
        weight, taken = lane.weight << neuron.fraction, Mux(fires, neuron.threshold, 0)

        if is_shift(neuron.membrane):
            addend, carry = leak(potential, neuron.membrane)
            change = Mux(lane.advance, addend, weight)
            after = with_carry(potential, change, carry & lane.advance)
        else:
            leaky = leaked(potential, neuron.membrane)
            after = Mux(lane.advance, leaky, potential + weight)

        if self.reset == "zero":
            return Mux(fires, 0, after)
        return after - taken if self.reset == "subtract" else after


RESETS: Mapping[str, Any] = {"once": Once, "subtract": Subtract, "never": Never}
"""The lane of a neuron on a ramp, or of one that only sums, by its reset."""


def make_lane(neuron: Neuron, output: bool) -> Any:
    """Return the lane of a neuron that is asked at every tick.

    :param output: it is an output whose spikes nobody counts: its first one ends the image, so
        nothing is ever subtracted.
    """
    sums = neuron == Neuron(neuron.threshold, reset="never", ramp=False)
    if neuron.ramp or sums:
        return RESETS["once" if output and neuron.reset == "subtract" else neuron.reset](neuron)
    return Direct(neuron, output) if neuron.synapse == 0 else Plain(neuron, output)


def product(weight: Value, left: Value, lefts: Sequence[int], signs: bool) -> Value:
    """Return what a spike adds to a potential over all the ticks that are to come, ``weight *
    left``, as shifted additions.

    :param left: the number of ticks.
    :param lefts: all that it can be.
    :param signs: a weight is -1 or +1.
    """
    if signs:
        return Mux(weight < 0, -left, left)

    # A bit that no number of ticks has needs no adder, and one that each has no multiplexer.
    terms = [
        (weight if all(each >> bit & 1 for each in lefts) else Mux(left[bit], weight, 0)) << bit
        for bit in range(max(lefts).bit_length())
        if any(each >> bit & 1 for each in lefts)
    ]
    return total(terms) if terms else weight & 0


def window(m: Module, potential: Value, addend: Value, asked: Value) -> tuple[Value, Value]:
    """Return the next potential of a neuron in a window, and whether it fires.

    Its potential is kept relative to the level of the tick, so its sign tells. Who fires gets that
    sign: a potential is lowered by half of what its width can say, and the levels that are still to
    come do not raise it as much.

    :param addend: what a spike adds, or by how much the level falls.
    :param asked: whether it fires is asked now.
    """
    after, fires = Signal.like(potential), Signal()
    moved = (potential + addend)[: len(after)]
    m.d.comb += [
        after.eq(Cat(moved[:-1], moved[-1] | asked)),
        fires.eq(asked & ~moved[-1]),
    ]
    return after, fires


def at_least(value: Value, least: int) -> Value:
    """Return whether a signed value is a constant or more: look-up tables of three bits each, where
    a comparison would become a chain of carries.
    """
    if least >= 1 << (len(value) - 1):
        return Const(0)

    # With the sign bit turned signed numbers are in the order of unsigned ones.
    bits = Cat(value[:-1], ~value[-1])
    level = max(least + (1 << (len(bits) - 1)), 0)
    if level >> len(bits):
        return Const(0)  # no value of that width is as large

    enough: Value = Const(1)
    for index, bit in enumerate(bits):
        enough = bit & enough if level >> index & 1 else bit | enough
    return enough
