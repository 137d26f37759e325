"""The neurons of one layer in hardware: twin of :class:`sim.neuron.Neurons`, and with
:mod:`hw.machine.window` the only place where state changes.
"""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out
from amaranth.utils import bits_for

from hw.broadcast import REPLICA, Broadcast
from hw.learning.port import HistoryPort
from hw.machine.neuron import Inputs, make_lane
from hw.machine.state import Folds, folded, ports, registers, start_words, state_attributes
from hw.machine.sweep import Sweep
from hw.parameters import LayerParameters
from sim.neuron import HOLDS

CURRENT, SOMA = "current", "soma"
"""Names of the memories of a layer's state: of its currents, and of all else."""

SUBMODULE = "neurons"
"""Name in the netlist; synthesis selects memories by it."""


def lane_of(layer: LayerParameters) -> Any:
    """Return the lane of a layer's neurons; outputs whose spikes count are like hidden ones."""
    return make_lane(layer.layer.neuron, layer.output and not layer.counts)


def soma_layout(layer: LayerParameters) -> data.StructLayout:
    """Return the layout of a neuron's state without its current."""
    fields: dict[str, ShapeLike] = {
        "potential": signed(layer.potential.bits),
        **lane_of(layer).fields,
    }
    if layer.learns:
        fields["tick"] = bits_for(layer.silent_tick)
    if layer.counts:
        fields["count"] = layer.count_bits
    return data.StructLayout(fields)


def state_widths(layer: LayerParameters) -> dict[str, int]:
    """Return the bits of a neuron in each memory of the state, by the memory's name."""
    keeps_current = lane_of(layer).keeps_current
    current = {CURRENT: layer.current.bits} if keeps_current else {}
    return current | {SOMA: soma_layout(layer).size}


class Neurons(wiring.Component):
    """State of a layer's neurons, ``lanes`` at a time.

    ``weight`` with ``deliver``: add a word of a row to the currents of the fold that is next;
    ``advance``: integrate the fold that is next. Folds follow each other: ``folds`` cycles of
    either make a pass, and passes do not mix. ``last``: the fold that is next is the last one.
    ``clear`` forgets all state in one cycle.

    Each advanced fold appears on ``o`` one cycle later; it is taken at once. If one fold has more
    lanes than a ``group``, control signals reach the lanes a cycle later; ``late``: an ``advance``
    is on its way.

    Neurons that learn also have ``history``, see :class:`hw.learning.port.HistoryPort`.

    Neurons without a synaptic current have one word of state, to which both are written.

    Of a scattered layer ``deliver`` comes with the ``fold`` that it is for, never the same one in
    two following cycles; everything happens a cycle later, so that the fold's state can be read.
    After ``clear`` the currents are put back to their start, a fold per cycle; meanwhile, while
    ``sweeping``, nothing may come.
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
    history: Any

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        members = ports(parameters)
        if parameters.learns:
            members["history"] = Out(HistoryPort(parameters))
        super().__init__(members)

        self.lane = lane_of(parameters)

    def elaborate(self, platform: object) -> Module:
        """Build: the fold counter, the state, one update per lane."""
        m = Module()

        layer, (origin, _) = self.parameters, self.parameters.origin
        soma, start = self._soma()
        signals, weight = self._scatter(m, len(start)) if layer.scattered else self._broadcast(m)
        self.attributes = {
            name: state_attributes(platform, layer, name) for name in (CURRENT, SOMA)
        }
        levels = self._levels(m) if self.lane.spends else [Const(0)] * layer.lanes

        # Current and soma change in different passes, so they are separate memories. Only a spike
        # that is subtracted is taken from both in one.
        delivers, clears = [each.deliver for each in signals], [each.clear for each in signals]
        advances = [each.advance for each in signals]

        # Where nothing is delivered a lane that leaks may do as if it advanced, as nobody writes
        # it: ``deliver`` comes from a register, ``advance`` from all that a tick waits for, which
        # synthesis would repeat for every bit.
        leaking = [~deliver for deliver in delivers] if self.lane.leaks else advances
        sweeping = self.sweeping if layer.scattered else None
        writes = delivers
        if self.lane.spends or not self.lane.keeps_current:
            writes = [each.deliver | each.advance for each in signals]
        current = current_next = [Const(0)] * layer.lanes
        if self.lane.keeps_current:
            shape, words = signed(layer.current.bits), [[origin] * layer.lanes]
            current, current_next = self._state(
                m, CURRENT, shape, words, writes, clears, sweeping=sweeping
            )
            writes, sweeping = advances, None
        before, after = self._state(m, SOMA, soma, start, writes, clears, sweeping=sweeping)

        for lane in range(layer.lanes):
            state = data.View(soma, before[lane])
            result = data.View(soma, after[lane])
            added, advanced, fires, remembered, kept = self.lane.update(
                m,
                Inputs(current[lane].as_signed(), state, weight[lane], leaking[lane], levels[lane]),
            )
            if added is not None:
                m.d.comb += current_next[lane].eq(added)
            m.d.comb += [
                result.potential.eq(advanced if kept is None else kept),
                *(result[name].eq(value) for name, value in remembered.items()),
            ]

            # Where it has not fired the tick stays that of silence.
            if layer.learns:
                history = self.history
                m.d.comb += [
                    result.tick.eq(Mux(fires, history.now, state.tick)),
                    history.past[lane].current.eq(current[lane]),
                    history.past[lane].tick.eq(state.tick),
                ]

            # A register between this layer's adders and whoever looks at the fold.
            if layer.counts:
                count = state.count + fires
                shown = Mux(fires, 0, advanced) if layer.layer.neuron.reset == "zero" else advanced
                m.d.comb += result.count.eq(count)
                m.d.sync += [
                    self.o.payload.potential[lane].eq(shown),
                    self.o.payload.spikes[lane].eq(count),
                ]
            elif layer.output:
                m.d.sync += self.o.payload.potential[lane].eq(advanced)
            else:
                m.d.sync += self.o.payload.fires[lane].eq(fires)
        return m

    def _soma(self) -> tuple[data.StructLayout, list[list[dict[str, int]]]]:
        """Return the layout of a neuron's state without its current, and the words that an image
        starts from.
        """
        layer, (_, origin) = self.parameters, self.parameters.origin
        start = dict.fromkeys(self.lane.fields, 0)
        if layer.learns:
            start["tick"] = layer.silent_tick
        if layer.counts:
            start["count"] = 0

        # In one word with the current the potential has leaked already, for the first advance.
        leaks = not (self.lane.keeps_current or layer.eager)
        leak = layer.layer.neuron.membrane if leaks else HOLDS
        words = start_words(layer, origin, layer.potential.bits, leak)
        return soma_layout(layer), [
            [{"potential": potential, **start} for potential in word] for word in words
        ]

    def _levels(self, m: Module) -> list[Value]:
        """Return per lane T (R + k), where k is the tick of an advance."""
        layer, threshold = self.parameters, self.parameters.layer.threshold
        first = threshold * (layer.ticks_per_unit + 1 - layer.eager)
        level = Signal(range(first + threshold * layer.advances + 1))
        with m.If(self.clear):
            m.d.sync += level.eq(first)
        with m.Elif(self.advance & self.last):
            m.d.sync += level.eq(level + threshold)
        if not (layer.wide or layer.scattered):
            return [level] * layer.lanes

        # Control signals are a cycle late, and so is each copy.
        levels, size = list[Value](), layer.group if layer.wide else layer.lanes
        for lane in range(0, layer.lanes, size):
            copy = Signal.like(level, name=f"level_{lane}", attrs=REPLICA)
            m.d.sync += copy.eq(level)
            levels += [copy] * min(size, layer.lanes - lane)
        return levels

    def _broadcast(self, m: Module) -> tuple[list[Broadcast], list[Value]]:
        """Return the control signals of each lane, and the weights that go with them."""
        layer = self.parameters
        given = Broadcast(self.deliver, self.advance, self.clear)
        if not layer.wide:
            self._count_folds(m, given)
            return [given] * layer.lanes, self._weights(self.weight)

        # The registers cost all lanes a cycle, so the weights wait for one too.
        signals_1 = given.repeat(m, layer.lanes, layer.group)
        weight_1 = Signal.like(self.weight, reset_less=True)
        m.d.sync += weight_1.eq(self.weight)
        m.d.comb += self.late.eq(signals_1[0].advance)
        self._count_folds(m, signals_1[0])
        return signals_1, self._weights(weight_1)

    def _weights(self, word: data.View) -> list[Value]:
        """Return the weight of each lane."""
        return [self.parameters.rows.weight(word, lane) for lane in range(self.parameters.lanes)]

    def _scatter(self, m: Module, period: int) -> tuple[list[Broadcast], list[Value]]:
        """Return the same for a layer whose events come with their folds: a cycle later, when the
        state of the fold has been read.

        :param period: number of start words.
        """
        layer = self.parameters
        m.submodules.sweep = self.sweep = sweep = Sweep(
            layer.folds, 1 if self.lane.keeps_current else period
        )
        m.d.comb += [sweep.clear.eq(self.clear), self.sweeping.eq(sweep.busy)]

        # Stage 0: what is told, and the fold that it is for. A sweep delivers nothing to each.
        count, phase = Signal(range(layer.folds)), Signal(range(period))
        fold_0 = Signal(range(layer.folds))
        m.d.comb += [
            self.last.eq(count == layer.folds - 1),
            fold_0.eq(Mux(self.sweeping, sweep.fold, Mux(self.deliver, self.fold, count))),
        ]
        with m.If(self.clear | (self.advance & self.last)):
            m.d.sync += [count.eq(0), phase.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [count.eq(count + 1), phase.eq(Mux(phase == period - 1, 0, phase + 1))]

        # Stage 1: its state is at the memory's port.
        deliver_1, advance_1, last_1 = Signal(), Signal(), Signal()
        fold_1, first_neuron_1 = Signal.like(fold_0), Signal.like(self.o.payload.first_neuron)
        m.d.sync += [
            deliver_1.eq((self.deliver | self.sweeping) & ~self.clear),
            advance_1.eq(self.advance & ~self.clear),
            last_1.eq(self.last),
            fold_1.eq(fold_0),
        ]
        weights_1: list[Value] = []
        for lane, weight in enumerate(self._weights(self.weight)):
            weights_1.append(weight_1 := Signal(weight.shape(), name=f"weight_{lane}_1"))
            m.d.sync += weight_1.eq(Mux(self.sweeping, 0, weight))

        # Counted beside the fold, which would otherwise have to be multiplied by the lanes.
        with m.If(self.clear | (advance_1 & last_1)):
            m.d.sync += first_neuron_1.eq(0)
        with m.Elif(advance_1):
            m.d.sync += first_neuron_1.eq(first_neuron_1 + layer.lanes)

        m.d.comb += self.late.eq(deliver_1 | advance_1)
        starts = phase if self.lane.keeps_current else sweep.phase
        self.folds = Folds(fold_0, starts, fold_1, last_1, layer.folds)
        self._offer(m, advance_1 & ~self.clear, last_1, first_neuron_1)
        return [Broadcast(deliver_1, advance_1, self.clear)] * layer.lanes, weights_1

    def _count_folds(self, m: Module, signals: Broadcast) -> None:
        """Count the folds of a pass."""
        folds, lanes = self.parameters.folds, self.parameters.lanes
        fold, fold_after = [Signal(range(folds)) for _ in range(2)]
        self.folds = Folds(fold_after, fold_after, fold, self.last, folds)
        step = self.deliver | self.advance
        if self.parameters.learns:
            step = step | self.history.recall
        m.d.comb += [
            self.last.eq(fold == folds - 1),
            fold_after.eq(Mux(self.clear | (step & self.last), 0, fold + step)),
        ]

        # Counted beside the fold, which would otherwise have to be multiplied by the lanes.
        first_neuron = Signal(bits_for((folds - 1) * lanes))
        with m.If(self.clear | (step & self.last)):
            m.d.sync += first_neuron.eq(0)
        with m.Elif(step):
            m.d.sync += first_neuron.eq(first_neuron + lanes)

        m.d.sync += fold.eq(fold_after)
        self._offer(m, signals.advance & ~signals.clear, self.last, first_neuron)

    def _offer(self, m: Module, advance: Value, last: Value, first_neuron: Value) -> None:
        """Offer an advanced fold one cycle later, with what tells which one it is; of outputs that
        the readout looks at once only at the last tick.
        """
        if not self.parameters.every_tick:
            advance = advance & self._at_last_tick(m)
        m.d.sync += [
            self.o.valid.eq(advance),
            self.o.payload.last.eq(last),
            self.o.payload.first_neuron.eq(first_neuron),
        ]

    def _at_last_tick(self, m: Module) -> Value:
        """Return whether the folds that advance do so to the last tick."""
        layer = self.parameters
        remaining, now = Signal(range(layer.advances + 1)), Signal()
        with m.If(self.clear):
            m.d.sync += remaining.eq(layer.advances)
        with m.Elif(self.advance & self.last):
            m.d.sync += remaining.eq(remaining - 1)

        # As late as the control signals.
        domain = m.d.sync if layer.wide or layer.scattered else m.d.comb
        domain += now.eq(remaining == 1)
        return now

    def _state(
        self,
        m: Module,
        name: str,
        shape: Any,
        start: Sequence[Sequence[Any]],
        writes: list[Value],
        clears: list[Value],
        sweeping: Value | None = None,
    ) -> tuple[list[Value], list[Value]]:
        """Keep one value per neuron; return, per lane, that of the fold that is next, and where its
        new one goes.

        :param name: of the signals or the memory.
        :param shape: of a value.
        :param start: the words at the start of an image.
        :param writes: per lane, when the fold that is next gets its new value.
        :param clears: per lane, when all folds get their start.
        :param sweeping: see :func:`hw.machine.state.folded`.
        """
        if self.parameters.folds == 1:
            return registers(m, name, shape, start[0], writes, clears)
        control = writes[0], clears[0]
        return folded(m, name, shape, start, self.folds, control, self.attributes[name], sweeping)
