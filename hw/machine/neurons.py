"""The neurons of one layer in hardware: twin of :class:`sim.neuron.Neurons`, and with
:mod:`hw.machine.window` the only place where state changes.
"""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.broadcast import REPLICA, Broadcast
from hw.learning.port import HistoryPort
from hw.machine.neuron import RESETS, Inputs
from hw.machine.state import Folds, folded, memory_attributes, registers, start_words
from hw.parameters import LayerParameters

SUBMODULE = "neurons"
"""Name in the netlist; synthesis selects memories by it."""


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
    """

    weight: data.View
    deliver: Signal
    advance: Signal
    clear: Signal
    last: Signal
    late: Signal
    o: stream.Interface
    history: Any

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        members = {
            "weight": In(parameters.rows.word),
            "deliver": In(1),
            "advance": In(1),
            "clear": In(1),
            "last": Out(1),
            "late": Out(1),
            "o": Out(stream.Signature(parameters.fold, always_ready=True)),
        }
        if parameters.learns:
            members["history"] = Out(HistoryPort(parameters))
        super().__init__(members)

        # The first spike of an output ends the image, so nothing is ever subtracted from it.
        reset = parameters.layer.neuron.reset
        self.lane = RESETS["once" if parameters.output and reset == "subtract" else reset](
            parameters.layer.neuron
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the fold counter, the state, one update per lane."""
        m = Module()

        layer, (origin, _) = self.parameters, self.parameters.origin
        signals, weight = self._broadcast(m)
        self._count_folds(m, signals[0])
        self.attributes = memory_attributes(platform, layer.folds)
        levels = self._levels(m) if self.lane.spends else [Const(0)] * layer.lanes

        # Current and soma change in different passes, so they are separate memories. Only a spike
        # that is subtracted is taken from both in one.
        soma, start = self._soma()
        delivers, clears = [each.deliver for each in signals], [each.clear for each in signals]
        advances = [each.advance for each in signals]
        writes = delivers
        if self.lane.spends:
            writes = [each.deliver | each.advance for each in signals]
        current, current_next = self._state(
            m, "current", signed(layer.current.bits), [[origin] * layer.lanes], writes, clears
        )
        before, after = self._state(m, "soma", soma, start, advances, clears)

        for lane in range(layer.lanes):
            state = data.View(soma, before[lane])
            result = data.View(soma, after[lane])
            added, advanced, fires, remembered = self.lane.update(
                m,
                Inputs(
                    current[lane].as_signed(), state, weight[lane], advances[lane], levels[lane]
                ),
            )
            m.d.comb += [
                current_next[lane].eq(added),
                result.potential.eq(advanced),
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
            if layer.output:
                m.d.sync += self.o.payload.potential[lane].eq(advanced)
            else:
                m.d.sync += self.o.payload.fires[lane].eq(fires)
        return m

    def _soma(self) -> tuple[data.StructLayout, list[list[dict[str, int]]]]:
        """Return the layout of a neuron's state without its current, and the words that an image
        starts from.
        """
        layer, (_, origin) = self.parameters, self.parameters.origin
        fields: dict[str, ShapeLike] = {
            "potential": signed(layer.potential.bits),
            **self.lane.fields,
        }
        start = dict.fromkeys(self.lane.fields, 0)
        if layer.learns:
            start["tick"], fields["tick"] = layer.silent_tick, bits_for(layer.silent_tick)

        words = start_words(layer, origin, layer.potential.bits)
        return data.StructLayout(fields), [
            [{"potential": potential, **start} for potential in word] for word in words
        ]

    def _levels(self, m: Module) -> list[Value]:
        """Return per lane what a spike takes from a potential at the advance to tick k, T (R + k)."""
        layer, threshold = self.parameters, self.parameters.layer.threshold
        units = layer.ticks_per_unit + (0 if layer.eager else 1)
        level = Signal(range(threshold * (layer.ticks_per_unit + layer.last_tick + 1) + 1))
        with m.If(self.clear):
            m.d.sync += level.eq(threshold * units)
        with m.Elif(self.advance & self.last):
            m.d.sync += level.eq(level + threshold)
        if not layer.wide:
            return [level] * layer.lanes

        # Control signals are a cycle late too, so a copy still is the level of their tick.
        levels: list[Value] = []
        for first in range(0, layer.lanes, layer.group):
            copy = Signal.like(level, name=f"level_{first}", attrs=REPLICA)
            m.d.sync += copy.eq(level)
            levels += [copy] * min(layer.group, layer.lanes - first)
        return levels

    def _broadcast(self, m: Module) -> tuple[list[Broadcast], data.View]:
        """Return the control signals of each lane, and the word of weights that goes with them."""
        layer = self.parameters
        given = Broadcast(self.deliver, self.advance, self.clear)
        if not layer.wide:
            return [given] * layer.lanes, self.weight

        # The registers cost all lanes a cycle, so the weights wait for one too.
        signals_1 = given.repeat(m, layer.lanes, layer.group)
        weight_1 = Signal.like(self.weight, reset_less=True)
        m.d.sync += weight_1.eq(self.weight)
        m.d.comb += self.late.eq(signals_1[0].advance)
        return signals_1, weight_1

    def _count_folds(self, m: Module, signals: Broadcast) -> None:
        """Count the folds of a pass: ``self.fold`` is next, ``self.fold_after`` is next in the
        following cycle.
        """
        folds, lanes = self.parameters.folds, self.parameters.lanes
        self.fold, self.fold_after = Signal(range(folds)), Signal(range(folds))
        step = self.deliver | self.advance
        if self.parameters.learns:
            step = step | self.history.recall
        m.d.comb += [
            self.last.eq(self.fold == folds - 1),
            self.fold_after.eq(Mux(self.clear | (step & self.last), 0, self.fold + step)),
        ]

        # Counted beside the fold, which would otherwise have to be multiplied by the lanes.
        first_neuron = Signal(bits_for((folds - 1) * lanes))
        with m.If(self.clear | (step & self.last)):
            m.d.sync += first_neuron.eq(0)
        with m.Elif(step):
            m.d.sync += first_neuron.eq(first_neuron + lanes)

        # Outputs that do not fire are looked at once.
        shown = signals.advance & ~signals.clear
        if not self.parameters.layer.neuron.fires:
            shown = shown & self._at_last_tick(m)

        # An advanced fold is on ``o`` one cycle later, with what tells which one it is.
        m.d.sync += [
            self.fold.eq(self.fold_after),
            self.o.valid.eq(shown),
            self.o.payload.last.eq(self.last),
            self.o.payload.first_neuron.eq(first_neuron),
        ]

    def _at_last_tick(self, m: Module) -> Value:
        """Return whether the folds that advance do so to the last tick."""
        layer = self.parameters
        remaining = Signal(range(layer.advances + 1))
        with m.If(self.clear):
            m.d.sync += remaining.eq(layer.advances)
        with m.Elif(self.advance & self.last):
            m.d.sync += remaining.eq(remaining - 1)

        # Control signals that are a cycle late are of the tick that is counted already.
        return remaining == (0 if layer.wide else 1)

    def _state(
        self,
        m: Module,
        name: str,
        shape: Any,
        start: Sequence[Sequence[Any]],
        writes: list[Value],
        clears: list[Value],
    ) -> tuple[list[Value], list[Value]]:
        """Keep one value per neuron; return, per lane, that of the fold that is next, and where its
        new one goes.

        :param name: of the signals or the memory.
        :param shape: of a value.
        :param start: the words at the start of an image, one for all folds or one for each.
        :param writes: per lane, when the fold that is next gets its new value.
        :param clears: per lane, when all folds get their start.
        """
        if self.parameters.folds == 1:
            return registers(m, name, shape, start[0], writes, clears)
        folds = Folds(self.fold_after, self.fold, self.last, self.parameters.folds)
        return folded(m, name, shape, start, folds, (writes[0], clears[0]), self.attributes)
