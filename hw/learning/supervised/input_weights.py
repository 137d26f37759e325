"""The input weights: step 5 of :mod:`sim.learning.supervised`."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.parameters import LayerParameters
from hw.rows import moves


class InputLesson(wiring.Component):
    """Keeps the input spikes of an image, and afterwards moves the rows of those that the draw
    takes.

    ``delivered``: an event of input ``neuron`` goes in at ``tick``; an image has each input at most
    once. ``clear`` forgets them. ``begin`` starts the lesson, one cycle long; ``done`` says in one
    cycle that it is over.

    ``deltas`` with ``keep``: what the hidden neurons of the fold that is next are to do; the folds
    come in order, all of them, before ``begin``. ``past``: what those neurons did, see
    :class:`hw.machine.neurons.Neurons`; ``recall`` goes with every word. ``thin``, ``drawn`` and
    ``draw``: of the lesson and the generator.

    ``row``: rows that are wanted; ``idle``: none is on its way. With ``word``, a word of one is
    there, and ``write`` and ``move`` say what happens to it. A row that is not taken costs one
    cycle at most, and none while another row's words come.
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
    thin: Signal
    drawn: Signal
    draw: Signal
    row: stream.Interface
    idle: Signal
    word: Signal
    write: Signal
    move: data.View

    def __init__(self, hidden: LayerParameters):
        assert hidden.silent is not None
        self.hidden = hidden
        self.spike = data.StructLayout(
            {"neuron": bits_for(hidden.layer.fan_in - 1), "tick": bits_for(hidden.silent)}
        )
        super().__init__(
            {
                **{name: In(1) for name in ("delivered", "clear", "begin", "keep", "idle", "word")},
                **{name: Out(1) for name in ("done", "recall", "draw", "write")},
                "neuron": In(self.spike["neuron"].shape),
                "tick": In(self.spike["tick"].shape),
                "deltas": In(moves(hidden.lanes)),
                "past": In(hidden.past),
                "thin": In(8),
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
        spike, place, go_on, count = self._spikes(m)
        running, left = Signal(), Signal()
        m.d.comb += [
            left.eq(running & (place != count)),
            self.row.payload.eq(spike.neuron),
            self.row.valid.eq(left & (self.drawn[24:] >= self.thin)),
            go_on.eq(left & (~self.row.valid | self.row.ready)),
            self.draw.eq(go_on),
            self.done.eq(running & ~left & self.idle),
        ]
        with m.If(self.begin):
            m.d.sync += running.eq(1)
        with m.Elif(self.done):
            m.d.sync += running.eq(0)

        # The tick of the row that was accepted last, and, as words are two cycles behind, of the
        # row of this word.
        accepted, tick = Signal.like(spike.tick), Signal.like(spike.tick)
        m.d.sync += tick.eq(accepted)
        with m.If(self.row.valid & self.row.ready):
            m.d.sync += accepted.eq(spike.tick)
        deltas = self._deltas(m)
        m.d.comb += [self.recall.eq(self.word), self.write.eq(self.word)]
        for lane in range(self.hidden.lanes):
            m.d.comb += self.move[lane].eq(Mux(self.past[lane].tick > tick, deltas[lane], 0))
        return m

    def _spikes(self, m: Module) -> tuple[Any, Signal, Signal, Signal]:
        """Keep the spikes; return the one at ``place``, that place, what moves it on, and how many
        there are.
        """
        depth = self.hidden.layer.fan_in
        m.submodules.spikes = spikes = memory.Memory(shape=self.spike, depth=depth, init=[])
        reader, writer = spikes.read_port(), spikes.write_port()
        count, place, after = (
            Signal(range(depth + 1)),
            Signal(range(depth + 1)),
            Signal(range(depth + 1)),
        )
        go_on = Signal()
        m.d.comb += [
            writer.addr.eq(count),
            writer.data.neuron.eq(self.neuron),
            writer.data.tick.eq(self.tick),
            writer.en.eq(self.delivered),
            after.eq(place + go_on),
            reader.addr.eq(after),
        ]
        m.d.sync += [place.eq(after), count.eq(count + self.delivered)]
        with m.If(self.clear):
            m.d.sync += [place.eq(0), count.eq(0)]
        return reader.data, place, go_on, count

    def _deltas(self, m: Module) -> Any:
        """Keep a word per fold; return that of the fold that is next."""
        folds = self.hidden.folds
        m.submodules.deltas = deltas = memory.Memory(
            shape=moves(self.hidden.lanes), depth=folds, init=[]
        )
        reader, writer = deltas.read_port(), deltas.write_port()
        fold, after = Signal(range(folds)), Signal(range(folds))
        step = self.keep | self.recall
        m.d.comb += [
            after.eq(Mux(step & (fold == folds - 1), 0, fold + step)),
            reader.addr.eq(after),
            writer.addr.eq(fold),
            writer.data.eq(self.deltas),
            writer.en.eq(self.keep),
        ]
        m.d.sync += fold.eq(after)
        return reader.data
