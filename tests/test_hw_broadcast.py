"""Control signals through replicated registers: each lane gets them a cycle later."""

import random
from collections import Counter

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from hypothesis import given, settings

from hw.broadcast import REPLICA, Broadcast
from random_networks import seeds
from testbenches import simulate


class Repeated(wiring.Component):
    def __init__(self, lanes, size):
        self.lanes, self.size = lanes, size
        self.given = Broadcast(*(Signal(name=name) for name in Broadcast._fields))
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        self.copies = self.given.repeat(m, self.lanes, self.size)
        return m


@settings(max_examples=12)
@given(seeds)
def test_every_lane_gets_them_a_cycle_later_and_no_register_drives_too_many(seed):
    rng = random.Random(seed)
    lanes, size = rng.randrange(1, 30), rng.randrange(1, 12)
    dut = Repeated(lanes, size)

    async def testbench(ctx):
        for _ in range(6):
            values = [rng.randrange(2) for _ in dut.given]
            for signal, value in zip(dut.given, values, strict=True):
                ctx.set(signal, value)
            await ctx.tick()
            assert len(dut.copies) == lanes
            for copy in dut.copies:
                assert [ctx.get(signal) for signal in copy] == values

    simulate(dut, testbench)
    driven = Counter(id(signal) for copy in dut.copies for signal in copy)
    assert len(driven) == 3 * -(-lanes // size)
    assert max(driven.values()) <= size
    assert all(signal.attrs == REPLICA for copy in dut.copies for signal in copy)
