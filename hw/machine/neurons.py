"""The neurons of one layer in hardware: twin of :class:`sim.neuron.Neurons`, and the only place
where state changes.
"""

from typing import Any, NamedTuple

from amaranth.hdl import Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.broadcast import Broadcast
from hw.fpga.device import Device
from hw.learning.port import HistoryPort
from hw.machine.sweep import Sweep
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


class Folds(NamedTuple):
    """Which fold of a memory is read and which is written in a cycle.

    :param reads: the fold whose state is at the read port in the following cycle.
    :param writes: the fold that is written.
    :param last: whether that is the last one.
    """

    reads: Value
    writes: Value
    last: Value


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
        members = {
            "weight": In(parameters.rows.word),
            "deliver": In(1),
            "advance": In(1),
            "clear": In(1),
            "last": Out(1),
            "late": Out(1),
            "o": Out(stream.Signature(parameters.fold, always_ready=True)),
        }
        if parameters.scattered:
            members |= {"fold": In(range(parameters.folds)), "sweeping": Out(1)}
        if parameters.learns:
            members["history"] = Out(HistoryPort(parameters))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build: the fold counter, the state, one update per lane."""
        m = Module()

        layer, threshold = self.parameters, self.parameters.layer.threshold
        signals, weight = self._scatter(m) if layer.scattered else self._broadcast(m)

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
            m,
            "current",
            signed(layer.current.bits),
            -threshold,
            writes,
            clears,
            sweeping=self.sweeping if layer.scattered else None,
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

    def _scatter(self, m: Module) -> tuple[list[Broadcast], list[Value]]:
        """Return the same for a layer whose events come with their folds: a cycle later, when the
        state of the fold has been read.
        """
        layer = self.parameters
        m.submodules.sweep = self.sweep = sweep = Sweep(layer.folds)
        m.d.comb += [sweep.clear.eq(self.clear), self.sweeping.eq(sweep.busy)]

        # Stage 0: what is told, and the fold that it is for. A sweep delivers nothing to each.
        count, fold_0 = Signal(range(layer.folds)), Signal(range(layer.folds))
        m.d.comb += [
            self.last.eq(count == layer.folds - 1),
            fold_0.eq(Mux(self.sweeping, sweep.fold, Mux(self.deliver, self.fold, count))),
        ]
        with m.If(self.clear | (self.advance & self.last)):
            m.d.sync += count.eq(0)
        with m.Elif(self.advance):
            m.d.sync += count.eq(count + 1)

        # Stage 1: its state is at the memory's port.
        deliver_1, advance_1, last_1 = Signal(), Signal(), Signal()
        fold_1, first_neuron_1 = (
            Signal(range(layer.folds)),
            Signal.like(self.o.payload.first_neuron),
        )
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
        self.folds = Folds(fold_0, fold_1, last_1)
        self._offer(m, advance_1 & ~self.clear, last_1, first_neuron_1)
        return [Broadcast(deliver_1, advance_1, self.clear)] * layer.lanes, weights_1

    def _count_folds(self, m: Module, signals: Broadcast) -> None:
        """Count the folds of a pass."""
        folds, lanes = self.parameters.folds, self.parameters.lanes
        fold, fold_after = Signal(range(folds)), Signal(range(folds))
        self.folds = Folds(fold_after, fold, self.last)
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
        """Offer an advanced fold one cycle later, with what tells which one it is."""
        m.d.sync += [
            self.o.valid.eq(advance),
            self.o.payload.last.eq(last),
            self.o.payload.first_neuron.eq(first_neuron),
        ]

    def _state(
        self,
        m: Module,
        name: str,
        shape: Any,
        start: Any,
        writes: list[Value],
        clears: list[Value],
        sweeping: Value | None = None,
    ) -> tuple[list[Value], list[Value]]:
        """Keep one value per neuron; return, per lane, that of the fold that is next, and where its
        new one goes.

        :param name: of the signals or the memory.
        :param shape: of a value.
        :param start: the value at the start of an image.
        :param writes: per lane, when the fold that is next gets its new value.
        :param clears: per lane, when all folds get ``start``.
        :param sweeping: when the start is read in place of a fold, to be written back; None: until
            the first pass after ``clears`` has written all folds.
        """
        if self.parameters.folds == 1:
            return self._registers(m, name, shape, start, writes, clears)
        return self._memory(m, name, shape, start, writes[0], clears[0], sweeping)

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
        self,
        m: Module,
        name: str,
        shape: Any,
        start: Any,
        write: Value,
        clear: Value,
        sweeping: Value | None,
    ) -> tuple[list[Value], list[Value]]:
        """Keep several folds in a memory; see :meth:`_state`.

        Its last word is ``start`` and is read in place of every fold until one pass has written
        them all, so clearing costs no pass and no multiplexer; or, where not every pass writes all,
        while ``sweeping``.
        """
        lanes, folds = self.parameters.lanes, self.parameters.folds
        init: list[Any] = [[start] * lanes] * (folds + 1)
        m.submodules[name] = cells = memory.Memory(
            shape=data.ArrayLayout(shape, lanes),
            depth=folds + 1,
            init=init,
            attrs=self.attributes,
        )

        # Both ports are never at one address: while a fold is written, another one is read.
        reader, writer = cells.read_port(), cells.write_port()
        if sweeping is None:
            fresh = Signal(name=f"{name}_fresh", init=1)
            fresh_after = Signal(name=f"{name}_fresh_after")
            m.d.comb += fresh_after.eq(clear | (fresh & ~(write & self.folds.last)))
            m.d.sync += fresh.eq(fresh_after)
            sweeping = fresh_after
        m.d.comb += [
            reader.addr.eq(Mux(sweeping, folds, self.folds.reads)),
            writer.addr.eq(self.folds.writes),
            writer.en.eq(write),
        ]

        return (
            [Value.cast(reader.data[lane]) for lane in range(lanes)],
            [Value.cast(writer.data[lane]) for lane in range(lanes)],
        )
