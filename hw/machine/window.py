"""Neurons that nobody asks before a tick that is known: twin of :class:`sim.neuron.Neurons` for
those in a window and for outputs that only sum.
"""

from typing import NamedTuple

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.utils import bits_for

from hw.arithmetic import times
from hw.broadcast import REPLICA
from hw.machine.neuron import at_least, product, window
from hw.machine.passes import Passes
from hw.machine.state import (
    FEW_FOLDS_IN_WINDOW,
    Folds,
    folded,
    ports,
    registers,
    start_words,
    state_attributes,
)
from hw.machine.sweep import Sweep
from hw.parameters import LayerParameters
from sim.fixed_point import Bounds

POTENTIAL = "potential"
"""Name of the memory of a layer's state."""


class Order(NamedTuple):
    """What lanes are to do in a cycle.

    :param deliver: a word of weights is here.
    :param ask: a fold is asked which neurons fire, or for its potentials.
    :param clear: an image begins.
    :param left: how many ticks a spike has left.
    """

    deliver: Value
    ask: Value
    clear: Value
    left: Value


def _potential(layer: LayerParameters) -> tuple[int, int]:
    """Return what potentials are relative to, and the bits of one."""
    # What the potentials of hidden neurons are relative to lowers their bounds.
    neuron, bounds = layer.layer.neuron, layer.potential
    if neuron.window is None:
        return 0, bounds.bits
    origin = -neuron.threshold * (neuron.window[1] + 1)
    return origin, Bounds(bounds.low + origin, max(bounds.high - neuron.threshold, 0)).bits


def state_widths(layer: LayerParameters) -> dict[str, int]:
    """Return the bits of a neuron in each memory of the state, by the memory's name."""
    return {POTENTIAL: _potential(layer)[1]}


class WindowNeurons(wiring.Component):
    """State of a layer's neurons, ``lanes`` at a time; a neuron has one word, its potential.

    A spike that has ``left`` ticks to go up to the tick at which its neuron is asked adds its
    weight that many times at once, so there is no current, and up to that tick no pass. Then there
    is one pass for each tick of the window; after the first one only folds are visited of which
    some neuron has reached the window's lowest level.

    Potentials are kept relative to the level of the tick before the window, T (M + 1) with M ticks,
    and each pass adds T, so at any of them a neuron fires from 0 on. Those of outputs are
    themselves.

    ``weight`` with ``deliver``: add a word of a row to the fold that is next. ``advance``: the next
    tick begins; if it has a pass, that follows. ``late``: a pass is under way, or its last
    fold on ``o``; ``last`` is constant. ``clear`` forgets all state in one cycle. Each fold that is
    asked appears on ``o``, lowest first.

    Of a scattered layer ``deliver`` comes with the ``fold`` that it is for, never the same one in
    two following cycles. After ``clear`` the state is put back to its start, a fold per cycle;
    meanwhile, while ``sweeping``, nothing may come.

    Stage 0: weights are multiplied while the state of their fold is read. Stage 1: they are added,
    and written. A fold is on ``o`` in stage 2. With more lanes than a ``group`` control signals
    take one more cycle to stage 0.
    """

    weight: data.View
    deliver: Signal
    advance: Signal
    clear: Signal
    last: Signal
    late: Signal
    fold: Signal
    sweeping: Signal
    o: stream.Interface

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        self.origin, self.bits = _potential(parameters)
        super().__init__(ports(parameters))

    def elaborate(self, platform: object) -> Module:
        """Build: the passes, the folds that are read and written, the lanes."""
        m = Module()

        layer = self.parameters
        m.submodules.passes = passes = Passes(layer)
        m.d.comb += [passes.advance.eq(self.advance), passes.clear.eq(self.clear)]

        # ``fold_0`` is read in this cycle; ``fold_1`` is written, and on ``o`` in the next one.
        words = start_words(layer, self.origin, self.bits)
        fold_0, fold_1 = Signal(range(layer.folds)), Signal(range(layer.folds))
        delivered, phase, deliver = self._count(m), fold_0, self.deliver
        if layer.scattered:
            delivered, phase, deliver = self._scatter(m, len(words))
        m.d.comb += fold_0.eq(Mux(passes.ask, passes.fold, delivered))
        m.d.sync += [
            fold_1.eq(fold_0),
            self.o.payload.first_neuron.eq(times(fold_1, layer.lanes)),
            self.o.payload.last.eq(fold_1 == layer.folds - 1),
        ]
        folds = Folds(fold_0, phase, fold_1, fold_1 == layer.folds - 1, layer.folds)
        self.attributes = state_attributes(platform, layer, POTENTIAL, FEW_FOLDS_IN_WINDOW)

        left = passes.left[: bits_for(max(layer.lefts))]
        if layer.scattered:
            left = Mux(self.sweeping, 0, left)  # what is swept gets its start and no more
        order = Order(deliver, passes.ask, self.clear, left)
        weight_0, size = self.weight, layer.lanes
        if layer.wide:
            weight_0, size = Signal.like(self.weight, reset_less=True), layer.group
            m.d.sync += weight_0.eq(self.weight)

        asked, reached = list[Value](), list[Value]()
        for first in range(0, layer.lanes, size):
            lanes = range(first, min(first + size, layer.lanes))
            order_0, asked_1 = self._order(m, order, first)
            asked = [order_0.ask, asked_1]
            reached += self._build_lanes(m, order_0, asked_1, lanes, weight_0, folds)

        # A fold on ``o`` is in the queue's memory before the queue says that spikes are pending.
        more = asked[0] if layer.wide else self.o.valid & (layer.folds > 1)
        m.d.comb += [
            passes.reached.eq(Cat(reached).any()),
            self.late.eq(passes.busy | asked[1] | more),
            self.last.eq(1),
        ]
        m.d.sync += self.o.valid.eq(asked[1] & ~self.clear)
        return m

    def _count(self, m: Module) -> Value:
        """Return the fold of the word of weights that comes next, where they come in order."""
        fold = Signal(range(self.parameters.folds))
        with m.If(self.clear):
            m.d.sync += fold.eq(0)
        with m.Elif(self.deliver):
            m.d.sync += fold.eq(Mux(fold == self.parameters.folds - 1, 0, fold + 1))
        return fold

    def _scatter(self, m: Module, period: int) -> tuple[Value, Value, Value]:
        """Return the fold of a word that comes with it or is swept, the start word of a fold that
        is swept, and whether there is either.

        :param period: number of start words.
        """
        m.submodules.sweep = sweep = Sweep(self.parameters.folds, period)
        m.d.comb += [sweep.clear.eq(self.clear), self.sweeping.eq(sweep.busy)]
        fold = Mux(sweep.busy, sweep.fold, self.fold)
        return fold, sweep.phase, self.deliver | sweep.busy

    def _order(self, m: Module, order: Order, first: int) -> tuple[Order, Value]:
        """Return what the lanes from ``first`` on are to do in stage 0, and whether they are asked
        in stage 1.
        """
        attributes = {}
        if self.parameters.wide:
            # Each group has registers of its own, and so all of it comes a cycle later.
            attributes = REPLICA
            copies = [
                Signal(len(value), name=f"{name}_{first}", attrs=REPLICA)
                for name, value in zip(order._fields, order, strict=True)
            ]
            m.d.sync += [copy.eq(value) for copy, value in zip(copies, order, strict=True)]
            order = Order(*copies)

        asked_1 = Signal(name=f"asked_{first}", attrs=attributes)
        m.d.sync += asked_1.eq(order.ask & ~order.clear)
        return order, asked_1

    def _build_lanes(
        self, m: Module, order: Order, asked_1: Value, lanes: range, weight: data.View, folds: Folds
    ) -> list[Value]:
        """Build some lanes; return, per lane, whether its neuron has reached the lowest level.

        :param order: of stage 0.
        :param asked_1: in stage 1.
        :param lanes: which.
        :param weight: of all lanes, in stage 0.
        :param folds: which are read and written.
        """
        layer, form = self.parameters, self.parameters.layer.form
        potentials, afters = self._state(m, order, lanes, folds)

        # The level falls by T at each pass. One constant: it is the value of a synchronous reset,
        # and so costs no look-up table. Nor has a register that is not looked at another reset.
        threshold = 0 if layer.output else layer.layer.threshold
        least = layer.layer.threshold + self.origin
        lefts = (0, *layer.lefts) if layer.scattered else layer.lefts
        for index, lane in enumerate(lanes):
            potential, after = potentials[index].as_signed(), afters[index]
            worth = product(layer.rows.weight(weight, lane), order.left, lefts, form.signs)
            change = Mux(order.ask, threshold, worth)
            width = min(len(change), self.bits)
            addend_1 = Signal(signed(width), name=f"addend_{lane}", reset_less=True)
            m.d.sync += addend_1.eq(change)

            if layer.output:
                m.d.comb += after.eq(potential + addend_1)
                m.d.sync += self.o.payload.potential[lane].eq(potential)
            else:
                moved, fires = window(m, potential, addend_1, asked_1)
                m.d.comb += after.eq(moved)
                m.d.sync += self.o.payload.fires[lane].eq(fires)
        return [at_least(potential, least) for potential in potentials if not layer.output]

    def _state(
        self, m: Module, order: Order, lanes: range, folds: Folds
    ) -> tuple[list[Value], list[Value]]:
        """Keep the potentials of some lanes; return those of the fold that was read, and where the
        new ones go.
        """
        layer = self.parameters
        attributes = REPLICA if layer.wide else {}
        write_1 = Signal(name=f"write_{lanes.start}", attrs=attributes)

        # One pass leaves nothing to remember.
        window = layer.layer.neuron.window
        write = order.deliver | order.ask if window and window[1] > 1 else order.deliver
        m.d.sync += write_1.eq(write & ~order.clear)

        shape, words = signed(self.bits), start_words(layer, self.origin, self.bits)
        if layer.folds > 1:
            control = write_1, order.clear
            return folded(m, POTENTIAL, shape, words, folds, control, self.attributes)
        start, count = words[0][lanes.start : lanes.stop], len(lanes)
        writes, clears = [write_1] * count, [order.clear] * count
        name = f"potential_{lanes.start}"
        return registers(m, name, shape, start, writes, clears)
