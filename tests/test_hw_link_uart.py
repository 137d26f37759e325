"""Bytes on a wire, between clocks that differ a little."""

import random

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from hw.link.uart import UartReceiver, UartTransmitter, bit_cycles
from sim.errors import InputError
from testbenches import simulate, taker


class Loop(wiring.Component):
    """A transmitter and a receiver on one wire, with clocks that need not agree."""

    def __init__(self, transmit: int, receive: int):
        self.transmitter, self.receiver = UartTransmitter(transmit), UartReceiver(receive)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules += [self.transmitter, self.receiver]
        m.d.comb += self.receiver.rx.eq(self.transmitter.tx)
        return m


@pytest.mark.parametrize(
    ("transmit", "receive"), [(4, 4), (12, 12), (25, 25), (100, 98), (100, 102)]
)
def test_uart_carries_every_byte(transmit, receive):
    dut, found = Loop(transmit, receive), []
    sent = [*np.random.default_rng(1).integers(0, 256, 25).tolist(), 0, 255]

    async def drive(ctx):
        for byte in sent:
            ctx.set(dut.transmitter.i.payload, byte)
            ctx.set(dut.transmitter.i.valid, 1)
            await ctx.tick().until(dut.transmitter.i.ready)
        ctx.set(dut.transmitter.i.valid, 0)
        await ctx.tick().repeat(12 * transmit)

    simulate(dut, drive, taker(dut.receiver.o, found, random.Random(1), ready=1))
    assert found == sent


@pytest.mark.parametrize("seed", range(3))
def test_what_is_no_byte_is_dropped_and_the_next_one_is_right(seed):
    """Glitches shorter than half a bit, and bytes whose stop bit is low, between right ones."""
    rng, divisor = random.Random(seed), 12
    dut, found, expected = UartReceiver(divisor), [], []

    async def level(ctx, value, cycles):
        ctx.set(dut.rx, value)
        await ctx.tick().repeat(cycles)

    async def drive(ctx):
        for kind in rng.choices(("glitch", "broken", "byte"), k=20):
            await level(ctx, 1, rng.randrange(divisor, 3 * divisor))
            if kind == "glitch":
                await level(ctx, 0, rng.randrange(1, divisor // 2))
                continue
            byte = rng.randrange(256)
            stop = int(kind == "byte")
            for bit in (0, *(byte >> index & 1 for index in range(8)), stop):
                await level(ctx, bit, divisor)
            if stop:
                expected.append(byte)
            else:
                await level(ctx, 1, 10 * divisor)
        await level(ctx, 1, 2 * divisor)

    simulate(dut, drive, taker(dut.o, found, rng, ready=1))
    assert found == expected


def test_bit_rate_that_the_clock_cannot_make_is_refused():
    assert bit_cycles(25e6, 1_000_000) == 25
    for clock, baud in ((12e6, 4_000_000), (12e6, 2_500_000)):
        with pytest.raises(InputError, match="slower"):
            bit_cycles(clock, baud)
