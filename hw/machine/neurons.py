"""The neurons of one layer in hardware: twin of :class:`sim.neuron.Neurons`, and the only place
where state changes.
"""

from typing import Any

from amaranth.hdl import Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.broadcast import Broadcast
from hw.fpga.device import Device
from hw.learning.port import HistoryPort
from hw.parameters import LayerParameters

SUBMODULE = "neurons"
"""Name in the netlist; synthesis selects memories by it."""

FEW_FOLDS = 16
"""Up to this number of folds the state of a layer is kept out of block RAM on iCE40, which has no
smaller memory and few of these.
"""


def update(
    m: Module, current: Value, potential: Value, fired: Value, weight: Value
) -> tuple[Value, Value, Value]:
    """Return a neuron's next current (when a weight is delivered), next potential and firing (when
    it advances).

    THE NEURON'S ARITHMETIC IS HERE AND NOWHERE ELSE in ``hw``; :mod:`sim.neuron` states the same in
    software. Every lane has one. The neuron does not leak and fires once per image; its threshold
    is in the state that an image starts with, so it fires when its potential is not negative.
    """
    added, advanced, fires = Signal.like(current), Signal.like(potential), Signal()
    m.d.comb += [
        added.eq(current + weight),
        advanced.eq(potential + current),
        fires.eq((advanced >= 0) & ~fired),
    ]
    return added, advanced, fires


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

    def elaborate(self, platform: object) -> Module:
        """Build: the fold counter, the state, one update per lane."""
        m = Module()

        layer, threshold = self.parameters, self.parameters.layer.threshold
        signals, weight = self._broadcast(m)
        self._count_folds(m, signals[0])

        # Current and soma change in different passes, so they are separate memories.
        start = {"potential": -threshold * layer.ticks_per_unit, "fired": 0}
        fields: dict[str, ShapeLike] = {"potential": signed(layer.potential.bits), "fired": 1}
        if layer.learns:
            start["tick"], fields["tick"] = layer.silent_tick, bits_for(layer.silent_tick)
        soma = data.StructLayout(fields)

        # A memory of few words would waste a whole block.
        few_blocks = isinstance(platform, Device) and platform.family.small_memories_in_logic
        self.attributes = {"ram_style": "logic"} if few_blocks and layer.folds <= FEW_FOLDS else {}

        writes, clears = [each.deliver for each in signals], [each.clear for each in signals]
        current, current_next = self._state(
            m, "current", signed(layer.current.bits), -threshold, writes, clears
        )
        writes = [each.advance for each in signals]
        before, after = self._state(m, "soma", soma, start, writes, clears)

        for lane in range(layer.lanes):
            state = data.View(soma, before[lane])
            result = data.View(soma, after[lane])
            added, advanced, fires = update(
                m, current[lane].as_signed(), state.potential, state.fired, weight[lane]
            )
            m.d.comb += [
                current_next[lane].eq(added),
                result.potential.eq(advanced),
                result.fired.eq(state.fired | fires),
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

        # An advanced fold is on ``o`` one cycle later, with what tells which one it is.
        m.d.sync += [
            self.fold.eq(self.fold_after),
            self.o.valid.eq(signals.advance & ~signals.clear),
            self.o.payload.last.eq(self.last),
            self.o.payload.first_neuron.eq(first_neuron),
        ]

    def _state(
        self, m: Module, name: str, shape: Any, start: Any, writes: list[Value], clears: list[Value]
    ) -> tuple[list[Value], list[Value]]:
        """Keep one value per neuron; return, per lane, that of the fold that is next, and where its
        new one goes.

        :param name: of the signals or the memory.
        :param shape: of a value.
        :param start: the value at the start of an image.
        :param writes: per lane, when the fold that is next gets its new value.
        :param clears: per lane, when all folds get ``start``.
        """
        if self.parameters.folds == 1:
            return self._registers(m, name, shape, start, writes, clears)
        return self._memory(m, name, shape, start, writes[0], clears[0])

    def _registers(
        self, m: Module, name: str, shape: Any, start: Any, writes: list[Value], clears: list[Value]
    ) -> tuple[list[Value], list[Value]]:
        """Keep one fold in registers; see :meth:`_state`."""
        # The first cycle of an image clears them, so they need no other reset.
        lanes = range(self.parameters.lanes)
        now = [Signal(shape, name=f"{name}_{lane}", init=start, reset_less=True) for lane in lanes]
        then = [Signal(shape, name=f"{name}_{lane}_after") for lane in lanes]

        for old, new, write, clear in zip(now, then, writes, clears, strict=True):
            with m.If(clear):
                m.d.sync += old.eq(Const(start, shape))
            with m.Elif(write):
                m.d.sync += old.eq(new)
        return [Value.cast(old) for old in now], [Value.cast(new) for new in then]

    def _memory(
        self, m: Module, name: str, shape: Any, start: Any, write: Value, clear: Value
    ) -> tuple[list[Value], list[Value]]:
        """Keep several folds in a memory; see :meth:`_state`.

        Its last word is ``start`` and is read in place of every fold until one pass has written
        them all, so clearing costs no pass and no multiplexer.
        """
        lanes, folds = self.parameters.lanes, self.parameters.folds
        init: list[Any] = [[start] * lanes] * (folds + 1)
        m.submodules[name] = cells = memory.Memory(
            shape=data.ArrayLayout(shape, lanes),
            depth=folds + 1,
            init=init,
            attrs=self.attributes,
        )

        # Both ports are never at one address: while a fold is written, the one after it is read.
        reader, writer = cells.read_port(), cells.write_port()
        fresh = Signal(name=f"{name}_fresh", init=1)
        fresh_after = Signal(name=f"{name}_fresh_after")
        m.d.comb += [
            fresh_after.eq(clear | (fresh & ~(write & self.last))),
            reader.addr.eq(Mux(fresh_after, folds, self.fold_after)),
            writer.addr.eq(self.fold),
            writer.en.eq(write),
        ]
        m.d.sync += fresh.eq(fresh_after)

        return (
            [Value.cast(reader.data[lane]) for lane in range(lanes)],
            [Value.cast(writer.data[lane]) for lane in range(lanes)],
        )
