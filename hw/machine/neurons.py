"""The neurons of one layer in hardware: twin of :class:`sim.neuron.Neurons`, and the only place
where state changes.
"""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

import sim.network
import sim.neuron
from hw.broadcast import GROUP, Orders
from hw.fpga.device import Device
from hw.storage.block import Rows, Storage
from sim.fixed_point import Bounds

FEW_FOLDS = 16
"""Up to so many folds the state of a layer is kept out of block RAM on iCE40, which has no smaller
memory and few.
"""


@dataclass(frozen=True, eq=False)
class Parameters:
    """A layer as software and as hardware.

    :param layer: weights and threshold T.
    :param lanes: neurons updated in one cycle, 1..fan_out.
    :param ticks_per_unit: R of the network.
    :param output: whether this is the output layer.
    :param current: exact bounds of the currents.
    :param potential: of the potentials.
    :param silent: the tick for "has not fired", where neurons remember when they fired, to learn;
        None: they do not.
    :param storage: of the weights; ``exchangeable``: see :class:`hw.storage.block.Rows`,
        ``flash_wires``: :mod:`hw.storage.flash`.
    :param group: most lanes that are told something, or searched for a spike, by one wire and
        within a cycle.
    """

    layer: sim.network.Layer
    lanes: int
    ticks_per_unit: int
    current: Bounds
    potential: Bounds
    output: bool
    silent: int | None = None
    storage: Storage = Storage.BLOCK
    flash_wires: int = 4
    exchangeable: bool = False
    group: int = GROUP

    @property
    def rows(self) -> Rows:
        """The layer's weight rows, cut into words of ``lanes`` weights."""
        return Rows(self.layer, self.lanes, self.exchangeable)

    @property
    def wide(self) -> bool:
        """Whether a fold has so many lanes that no wire may go to all of them."""
        return self.folds == 1 and self.lanes > self.group and self.silent is None

    @property
    def reachable(self) -> bool:
        """Whether a host can read and write the weights."""
        return self.storage is Storage.SPRAM or self.silent is not None

    @property
    def folds(self) -> int:
        """Passes over the lanes per event and per tick."""
        return self.rows.folds

    @property
    def fold(self) -> data.StructLayout:
        """Layout of one fold after it has advanced.

        ``first_neuron`` of the fold, ``last`` on the last fold, and per lane: of an output layer
        its ``potential``, of a hidden layer whether it ``fires`` now.
        """
        lanes: ShapeLike = (
            data.ArrayLayout(signed(self.potential.bits), self.lanes) if self.output else self.lanes
        )
        per_lane = "potential" if self.output else "fires"
        return data.StructLayout(
            {"first_neuron": bits_for((self.folds - 1) * self.lanes), "last": 1, per_lane: lanes}
        )

    @property
    def past(self) -> data.ArrayLayout:
        """Layout of what learning asks of a fold, per lane: ``current``, and the ``tick`` at which
        it fired.
        """
        assert self.silent is not None
        tick = bits_for(self.silent)
        return data.ArrayLayout(
            data.StructLayout({"current": signed(self.current.bits), "tick": tick}), self.lanes
        )

    def twin(self) -> sim.neuron.Neurons:
        """Return the same neurons in software."""
        return sim.neuron.Neurons(self.layer, self.ticks_per_unit)


def update(
    m: Module, current: Value, potential: Value, fired: Value, weight: Value
) -> tuple[Value, Value, Value]:
    """Return a neuron's next current (when a weight is delivered), next potential and firing (when
    it advances).

    This is the kind of neuron: non-leaky, one spike per image. Every lane has one.
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
    either make a pass, and passes do not mix. ``last`` tells that the fold that is next is the last
    one. ``clear`` forgets all state in one cycle.

    Each advanced fold appears on ``o`` one cycle later; it is taken at once. If one fold has more
    lanes than a ``group``, orders reach the lanes a cycle later; ``late`` tells that an ``advance``
    is on its way.

    Neurons that remember when they fired also have ``now``, the tick that an ``advance`` reaches;
    ``past``, what the fold that is next did; and ``recall``, which goes on to the fold after it and
    changes nothing.
    """

    weight: data.View
    deliver: Signal
    advance: Signal
    clear: Signal
    last: Signal
    late: Signal
    o: stream.Interface
    now: Signal
    recall: Signal
    past: data.View

    def __init__(self, parameters: Parameters):
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
        if parameters.silent is not None:
            members |= {
                "now": In(bits_for(parameters.silent)),
                "recall": In(1),
                "past": Out(parameters.past),
            }
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build: the fold counter, the state, one update per lane."""
        m = Module()
        layer, bits = self.parameters, self.parameters.potential.bits
        threshold = layer.layer.threshold
        orders, weight = self._orders(m)
        self._count_folds(m, orders[0])
        start = {"potential": -threshold * layer.ticks_per_unit, "fired": 0}
        parts: dict[str, ShapeLike] = {"potential": signed(bits), "fired": 1}
        if layer.silent is not None:
            start["tick"], parts["tick"] = layer.silent, bits_for(layer.silent)
        soma = data.StructLayout(parts)
        few_blocks = isinstance(platform, Device) and platform.family.small_memories_in_logic
        self.attributes = {"ram_style": "logic"} if few_blocks and layer.folds <= FEW_FOLDS else {}
        writes, clears = [order.deliver for order in orders], [order.clear for order in orders]
        current, current_next = self._state(
            m, "current", signed(layer.current.bits), -threshold, writes, clears
        )
        writes = [order.advance for order in orders]
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
            if layer.silent is not None:
                m.d.comb += [
                    result.tick.eq(Mux(fires, self.now, state.tick)),
                    self.past[lane].current.eq(current[lane]),
                    self.past[lane].tick.eq(state.tick),
                ]
            if layer.output:
                m.d.sync += self.o.payload.potential[lane].eq(advanced)
            else:
                m.d.sync += self.o.payload.fires[lane].eq(fires)
        return m

    def _orders(self, m: Module) -> tuple[list[Orders], data.View]:
        """Return what each lane is told, and the word of weights that goes with it."""
        lanes, told = self.parameters.lanes, Orders(self.deliver, self.advance, self.clear)
        if not self.parameters.wide:
            return [told] * lanes, self.weight
        orders, weight = (
            told.repeat(m, lanes, self.parameters.group),
            Signal.like(self.weight, reset_less=True),
        )
        m.d.sync += weight.eq(self.weight)
        m.d.comb += self.late.eq(orders[0].advance)
        return orders, weight

    def _count_folds(self, m: Module, orders: Orders) -> None:
        """Count the folds of a pass: ``self.fold`` is next, ``self.fold_after`` is next in the
        following cycle.
        """
        folds, lanes = self.parameters.folds, self.parameters.lanes
        self.fold = Signal(range(folds))
        self.fold_after = Signal(range(folds))
        step = self.deliver | self.advance
        if self.parameters.silent is not None:
            step = step | self.recall
        m.d.comb += [
            self.last.eq(self.fold == folds - 1),
            self.fold_after.eq(Mux(self.clear | (step & self.last), 0, self.fold + step)),
        ]
        first_neuron = Signal(bits_for((folds - 1) * lanes))
        m.d.sync += [
            self.fold.eq(self.fold_after),
            self.o.valid.eq(orders.advance & ~orders.clear),
            self.o.payload.last.eq(self.last),
            self.o.payload.first_neuron.eq(first_neuron),
        ]
        with m.If(self.clear | (step & self.last)):
            m.d.sync += first_neuron.eq(0)
        with m.Elif(step):
            m.d.sync += first_neuron.eq(first_neuron + lanes)

    def _state(
        self, m: Module, name: str, shape: Any, start: Any, writes: list[Value], clears: list[Value]
    ) -> tuple[list[Value], list[Value]]:
        """Keep one value per neuron; return, per lane, that of the fold that is next, and where its
        new one goes.

        One fold lies in registers. Several lie in a memory; its last word holds ``start`` and is
        read in place of every fold until one pass has written them all, so that clearing costs no
        pass and no multiplexer.
        """
        lanes, folds = self.parameters.lanes, self.parameters.folds
        if folds == 1:
            now = [
                Signal(shape, name=f"{name}_{lane}", init=start, reset_less=True)
                for lane in range(lanes)
            ]
            then = [Signal(shape, name=f"{name}_{lane}_after") for lane in range(lanes)]
            for old, new, write, clear in zip(now, then, writes, clears, strict=True):
                with m.If(clear):
                    m.d.sync += old.eq(Const(start, shape))
                with m.Elif(write):
                    m.d.sync += old.eq(new)
            return [Value.cast(old) for old in now], [Value.cast(new) for new in then]
        word, write, clear = data.ArrayLayout(shape, lanes), writes[0], clears[0]
        init: list[Any] = [[start] * lanes] * (folds + 1)
        m.submodules[name] = cells = memory.Memory(
            shape=word, depth=folds + 1, init=init, attrs=self.attributes
        )
        # Both ports are never at one address: while a fold is written, the one after it is read.
        reader, writer = cells.read_port(), cells.write_port()
        fresh, fresh_after = (
            Signal(name=f"{name}_fresh", init=1),
            Signal(name=f"{name}_fresh_after"),
        )
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
