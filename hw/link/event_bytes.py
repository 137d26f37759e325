"""Bytes of a request to the events of a sample, see ``EVENTS`` of :mod:`hw.link.frame`."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.events import given_event
from hw.link.frame import EVENT


class EventBytes(wiring.Component):
    """Puts events together, each of ``EVENT.size`` bytes, tick first, lowest byte first.

    Throughput: a byte per cycle, and one cycle more per event.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(given_event()))})

    def elaborate(self, platform: object) -> Module:
        """Build: a register that the bytes are shifted into, and their number."""
        m = Module()
        content, index = Signal(8 * EVENT.size), Signal(range(EVENT.size))
        m.d.comb += [
            self.i.ready.eq(~self.o.valid),
            Cat(self.o.payload.tick, self.o.payload.input).eq(content),
        ]

        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                content.eq(Cat(content[8:], self.i.payload)),
                index.eq(index + 1),
                self.o.valid.eq(index == EVENT.size - 1),
            ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m
