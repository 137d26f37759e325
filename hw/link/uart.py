"""Bytes as bits on a wire: 8 data bits, no parity, one stop bit, lowest bit first."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import (
    cdc,  # pyright: ignore[reportAttributeAccessIssue]  (the stubs of Amaranth 0.5 lack it)
    stream,
    wiring,
)
from amaranth.lib.wiring import In, Out

from sim.errors import InputError

BAUD = 1_000_000
"""Bits per second that every board's USB converter and every clock of ours can make."""

BITS = 10
"""Bits of a byte on the wire: start, data, stop."""

IDLE: dict[str, Any] = {"init": 1}
"""Nobody sends: the wire is high."""

LEAST_DIVISOR = 4
"""Fewest cycles per bit that still find the middle of a bit."""

TOLERANCE = 0.02
"""Largest deviation of the bit rate: the middle of the tenth bit stays in the bit, with both ends
off by as much.
"""


def bit_cycles(clock_hz: float, baud: int) -> int:
    """Return the clock cycles per bit.

    :raises InputError: the clock is too slow for that rate, or does not divide to within 2 %.
    """
    divisor = round(clock_hz / baud)
    if divisor < LEAST_DIVISOR:
        raise InputError(
            f"--baud: {baud} needs a clock of {LEAST_DIVISOR * baud / 1e6:g} MHz or more; "
            "take a slower rate."
        )
    if abs(clock_hz / divisor / baud - 1) > TOLERANCE:
        raise InputError(
            f"--baud: {baud} does not divide {clock_hz / 1e6:g} MHz to within 2 %; "
            "take a slower rate."
        )
    return divisor


class UartReceiver(wiring.Component):
    """Wire to bytes. A byte without its stop bit is dropped, and one that is not taken within a
    byte's time is lost.

    :param divisor: clock cycles per bit, at least ``LEAST_DIVISOR``.
    """

    rx: Signal
    o: stream.Interface

    def __init__(self, divisor: int):
        self.divisor = divisor
        super().__init__({"rx": In(1, **IDLE), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        """Build: wait for a start bit, then sample the middle of each bit."""
        m = Module()

        level = Signal(init=1)
        m.submodules += cdc.FFSynchronizer(self.rx, level, init=1)

        # ``wait``: cycles until the next sample; ``remaining``: samples of the byte; ``bits``:
        # start and data when the stop bit is sampled.
        wait, remaining = Signal(range(self.divisor)), Signal(range(BITS + 1))
        bits = Signal(BITS - 1)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        # Half a bit after the edge of the start bit is its middle; from there on whole bits.
        with m.If(remaining == 0):
            m.d.sync += wait.eq(self.divisor // 2 - 1)
            with m.If(~level):
                m.d.sync += remaining.eq(BITS)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [
                wait.eq(self.divisor - 1),
                remaining.eq(remaining - 1),
                bits.eq(Cat(bits[1:], level)),
            ]
            with m.If((remaining == BITS) & level):  # a glitch, not a start bit
                m.d.sync += remaining.eq(0)
            with m.If((remaining == 1) & level):  # a stop bit
                m.d.sync += [self.o.valid.eq(1), self.o.payload.eq(bits[1:])]
        return m


class UartTransmitter(wiring.Component):
    """Bytes to wire.

    :param divisor: clock cycles per bit.
    """

    i: stream.Interface
    tx: Signal

    def __init__(self, divisor: int):
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, **IDLE)})

    def elaborate(self, platform: object) -> Module:
        """Build: a shift register, a counter of cycles, a counter of bits."""
        m = Module()

        wait, remaining = Signal(range(self.divisor)), Signal(range(BITS + 1))
        bits = Signal(BITS, init=-1)
        m.d.comb += [self.tx.eq(bits[0]), self.i.ready.eq(remaining == 0)]

        with m.If(self.i.ready & self.i.valid):
            m.d.sync += [
                bits.eq(Cat(Const(0, 1), self.i.payload, Const(1, 1))),
                remaining.eq(BITS),
                wait.eq(self.divisor - 1),
            ]
        with m.Elif(remaining != 0):
            m.d.sync += wait.eq(wait - 1)
            with m.If(wait == 0):
                m.d.sync += [
                    wait.eq(self.divisor - 1),
                    remaining.eq(remaining - 1),
                    bits.eq(Cat(bits[1:], Const(1, 1))),  # the wire is high after the stop bit
                ]
        return m
