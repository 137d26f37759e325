"""Which words the events of a dense layer look up, one by one: twin of :mod:`sim.connections.dense`
for a layer whose store is asked for single words.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring

from hw.arithmetic import times
from hw.rows import Rows, visit_ports


class DenseVisits(wiring.Component):
    """Gives, for each event, the words of its row, in order; ports as of
    :class:`hw.connections.convolution.ConvolutionVisits`.

    Throughput: one visit per cycle, also from event to event. Latency: none.

    :param rows: the rows of the layer.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self, rows: Rows):
        self.rows = rows
        super().__init__(visit_ports(rows))

    def elaborate(self, platform: object) -> Module:
        """Build: the fold of the word that is offered, of the event that waits for its last one."""
        m = Module()

        folds = self.rows.folds
        fold, beat = Signal(range(folds)), self.o.payload
        last = fold == folds - 1
        m.d.comb += [
            beat.word.eq(times(self.i.payload, folds) + fold),
            beat.fold.eq(fold),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready & last),
            self.idle.eq(1),  # what is on its way is still offered
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += fold.eq(Mux(last, 0, fold + 1))
        return m
