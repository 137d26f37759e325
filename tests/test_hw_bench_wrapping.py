"""Components around components: every port of the inner one, but for those that are ignored."""

import random

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bench.wrapping import forward
from testbenches import simulate, taker

PAIR = data.StructLayout({"low": 3, "high": 5})
MEMBERS = {
    "i": In(stream.Signature(PAIR)),
    "o": Out(stream.Signature(PAIR)),
    "add": In(5),
    "sent": Out(PAIR),
    "extra": In(1),
}


class Inner(wiring.Component):
    """Passes pairs on, ``add`` added to their higher part, while ``extra`` is low; shows the last
    one.
    """

    def __init__(self):
        super().__init__(MEMBERS)

    def elaborate(self, platform):
        m = Module()
        passes, pair = self.i.valid & self.o.ready & ~self.extra, self.i.payload
        m.d.comb += [
            self.i.ready.eq(self.o.ready & ~self.extra),
            self.o.valid.eq(self.i.valid & ~self.extra),
            self.o.payload.low.eq(pair.low),
            self.o.payload.high.eq(pair.high + self.add),
        ]
        with m.If(passes):
            m.d.sync += self.sent.eq(self.o.payload)
        return m


class Outer(wiring.Component):
    """An inner component whose ``extra`` is high in every other cycle."""

    def __init__(self):
        super().__init__({name: MEMBERS[name] for name in MEMBERS if name != "extra"})

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = Inner()
        forward(m, self, inner)
        stop = Signal()
        m.d.sync += stop.eq(~stop)
        m.d.comb += inner.extra.eq(stop)
        return m


def test_streams_structures_and_signals_reach_the_inner_component():
    rng, dut, found, expected = random.Random(1), Outer(), [], []

    async def drive(ctx):
        for _ in range(40):
            low, high, add = rng.randrange(8), rng.randrange(32), rng.randrange(32)
            ctx.set(dut.add, add)
            ctx.set(dut.i.payload, {"low": low, "high": high})
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            expected.append({"low": low, "high": (high + add) % 32})
            assert ctx.get(dut.sent) == expected[-1]

    simulate(dut, drive, taker(dut.o, found, rng))
    assert found == expected
