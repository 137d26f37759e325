"""The input weights: step 5 of :mod:`sim.learning.supervised`."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.parameters import LayerParameters
from hw.rows import moves

SUBMODULE = "inputs"
"""Name in the netlist; synthesis selects memories by it."""


class InputLesson(wiring.Component):
    """Keeps the input spikes of an image, and afterwards moves the rows of those that the draw
    takes.

    ``delivered``: an event of input ``neuron`` goes in at ``tick``; an image has each input at most
    once. ``clear`` forgets them. ``begin`` starts the lesson, one cycle long; ``done`` says in one
    cycle that it is over.

    ``deltas`` with ``keep``: what the hidden neurons of the fold that is next are to do; the folds
    come in order, all of them, before ``begin``. ``past``: what those neurons did, see
    :class:`hw.learning.port.HistoryPort`; ``recall`` goes with every word. ``skip``, ``drawn`` and
    ``draw``: of the lesson and the generator.

    ``row``: rows that are wanted; ``idle``: none is on its way. With ``word``, a word of one is
    there, and ``write`` and ``move`` say what happens to it. A row that is skipped costs one cycle
    at most, and none while another row's words come.
    """

    delivered: Signal
    neuron: Signal
    tick: Signal
    clear: Signal
    begin: Signal
    done: Signal
    deltas: data.View
    keep: Signal
    past: data.View
    recall: Signal
    skip: Signal
    drawn: Signal
    draw: Signal
    row: stream.Interface
    idle: Signal
    word: Signal
    write: Signal
    move: data.View

    def __init__(self, hidden: LayerParameters):
        self.hidden = hidden
        self.spike = data.StructLayout(
            {"neuron": bits_for(hidden.layer.fan_in - 1), "tick": bits_for(hidden.silent_tick)}
        )
        super().__init__(
            {
                **{name: In(1) for name in ("delivered", "clear", "begin", "keep", "idle", "word")},
                **{name: Out(1) for name in ("done", "recall", "draw", "write")},
                "neuron": In(self.spike["neuron"].shape),
                "tick": In(self.spike["tick"].shape),
                "deltas": In(moves(hidden.lanes)),
                "past": In(hidden.past),
                "skip": In(8),
                "drawn": In(32),
                "row": Out(stream.Signature(self.spike["neuron"].shape)),
                "move": Out(moves(hidden.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: go through the spikes, and give each taken row's words what their neurons are to
        do.
        """
        m = Module()

        # One spike per cycle: its row is asked for, or the draw skips it.
        spike, index, go_on, count = self._spikes(m)
        running, remaining = Signal(), Signal()
        m.d.comb += [
            remaining.eq(running & (index != count)),
            self.row.payload.eq(spike.neuron),
            self.row.valid.eq(remaining & (self.drawn[24:] >= self.skip)),
            go_on.eq(remaining & (~self.row.valid | self.row.ready)),
            self.draw.eq(go_on),
            self.done.eq(running & ~remaining & self.idle),
        ]

        with m.If(self.begin):
            m.d.sync += running.eq(1)
        with m.Elif(self.done):
            m.d.sync += running.eq(0)

        # Words come two cycles behind their row: ``tick_1`` belongs to the row that was accepted
        # last, ``tick_2`` to the row of this word.
        tick_1, tick_2 = Signal.like(spike.tick), Signal.like(spike.tick)
        m.d.sync += tick_2.eq(tick_1)
        with m.If(self.row.valid & self.row.ready):
            m.d.sync += tick_1.eq(spike.tick)

        # Only spikes that came before the neuron fired contributed to it.
        deltas = self._deltas(m)
        m.d.comb += [self.recall.eq(self.word), self.write.eq(self.word)]

        for lane in range(self.hidden.lanes):
            m.d.comb += self.move[lane].eq(Mux(self.past[lane].tick > tick_2, deltas[lane], 0))
        return m

    def _spikes(self, m: Module) -> tuple[Any, Signal, Signal, Signal]:
        """Keep the spikes; return the one at ``index``, that index, what moves it on, and how many
        there are.
        """
        depth = self.hidden.layer.fan_in
        m.submodules.spikes = spikes = memory.Memory(shape=self.spike, depth=depth, init=[])
        reader, writer = spikes.read_port(), spikes.write_port()

        count, index, index_after = (Signal(range(depth + 1)) for _ in range(3))
        go_on = Signal()
        m.d.comb += [
            writer.addr.eq(count),
            writer.data.neuron.eq(self.neuron),
            writer.data.tick.eq(self.tick),
            writer.en.eq(self.delivered),
            index_after.eq(index + go_on),
            reader.addr.eq(index_after),  # a cycle ahead: the memory answers in the next one
        ]

        m.d.sync += [index.eq(index_after), count.eq(count + self.delivered)]
        with m.If(self.clear):
            m.d.sync += [index.eq(0), count.eq(0)]
        return reader.data, index, go_on, count

    def _deltas(self, m: Module) -> Any:
        """Keep a word per fold; return that of the fold that is next."""
        folds = self.hidden.folds
        m.submodules.deltas = deltas = memory.Memory(
            shape=moves(self.hidden.lanes), depth=folds, init=[]
        )
        reader, writer = deltas.read_port(), deltas.write_port()

        # Kept and used in the same order of folds, one fold per step.
        fold, fold_after = Signal(range(folds)), Signal(range(folds))
        step = self.keep | self.recall
        m.d.comb += [
            fold_after.eq(Mux(step & (fold == folds - 1), 0, fold + step)),
            reader.addr.eq(fold_after),
            writer.addr.eq(fold),
            writer.data.eq(self.deltas),
            writer.en.eq(self.keep),
        ]

        m.d.sync += fold.eq(fold_after)
        return reader.data
