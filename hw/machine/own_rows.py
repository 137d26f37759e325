"""The rows of a layer that no input looks up: the recurrent ones, which its own spikes do, and the
bias, once per tick; twin of step 4 of :mod:`sim.pipeline`.
"""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.parameters import LayerParameters


class OwnRows(wiring.Component):
    """Puts events of a layer's own between those of its inputs.

    ``i``: input neurons. ``o``: the rows that are looked up. ``fired``: the layer's own spikes, of
    a layer with recurrent rows; each is looked up here and goes on to ``passed``, the next layer.
    ``begin``: a tick begins, so the bias is due. ``deliver``: events may be exchanged; until then
    nothing of the layer's own is looked up. ``pending``: something is still to be looked up.
    ``clear`` forgets all that is on its way. ``looked_up``: in this cycle a recurrent row is; the
    bias is.

    Latency: 1 cycle. Throughput: one row per cycle. Own spikes go first, then the bias, then
    inputs; a sum does not depend on the order.
    """

    i: stream.Interface
    o: stream.Interface
    fired: stream.Interface
    passed: stream.Interface
    begin: Signal
    deliver: Signal
    clear: Signal
    pending: Signal
    looked_up: data.View

    def __init__(self, parameters: LayerParameters):
        self.layer = parameters.layer
        spikes = stream.Signature(bits_for(self.layer.fan_out - 1))
        super().__init__(
            {
                "i": In(stream.Signature(bits_for(self.layer.fan_in - 1))),
                "o": Out(stream.Signature(bits_for(self.layer.rows - 1))),
                "fired": In(spikes),
                "passed": Out(spikes),
                "begin": In(1),
                "deliver": In(1),
                "clear": In(1),
                "pending": Out(1),
                "looked_up": Out(parameters.own_rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: what is due of each kind, and a register of the row that is offered."""
        m = Module()

        # A row stays offered until it is taken, whatever comes meanwhile.
        take, own, due = Signal(), Signal(), Signal()
        m.d.comb += take.eq(~self.o.valid | self.o.ready)
        if self.layer.recurrent is not None:
            self._repeat(m, take, own)
        if self.layer.bias is not None:
            with m.If(self.begin):
                m.d.sync += due.eq(1)
            with m.Elif(self.looked_up.bias):
                m.d.sync += due.eq(0)

        # An image that ends at this tick waits for none of them: it delivers nothing any more.
        bias = due & self.deliver
        m.d.comb += [
            self.i.ready.eq(take & ~own & ~bias),
            self.pending.eq(self.o.valid | due),
            self.looked_up.recurrent.eq(own & take),
            self.looked_up.bias.eq(bias & take & ~own),
        ]
        with m.If(self.clear):
            m.d.sync += self.o.valid.eq(0)
        with m.Elif(take):
            m.d.sync += [
                self.o.valid.eq(own | bias | self.i.valid),
                self.o.payload.eq(
                    Mux(
                        own,
                        self.fired.payload + self.layer.fan_in,
                        Mux(bias, self.layer.bias_row, self.i.payload),
                    )
                ),
            ]
        return m

    def _repeat(self, m: Module, take: Value, own: Signal) -> None:
        """Give each own spike to two: the rows here, and the next layer, each at its pace.

        :param take: a row can be taken in this cycle.
        :param own: the row of a spike is offered.
        """
        looked_up, sent = Signal(), Signal()
        m.d.comb += [
            own.eq(self.fired.valid & self.deliver & ~looked_up),
            self.passed.payload.eq(self.fired.payload),
            self.passed.valid.eq(self.fired.valid & ~sent),
        ]

        looked_up_after, sent_after = looked_up | (own & take), Signal()
        m.d.comb += [
            sent_after.eq(sent | (self.passed.valid & self.passed.ready)),
            self.fired.ready.eq(looked_up_after & sent_after),
        ]
        with m.If(self.clear | (self.fired.valid & self.fired.ready)):
            m.d.sync += [looked_up.eq(0), sent.eq(0)]
        with m.Else():
            m.d.sync += [looked_up.eq(looked_up_after), sent.eq(sent_after)]
