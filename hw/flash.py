"""Weight rows in a board's SPI flash, behind the bitstream: for a layer that fits nowhere else.

Only the rows of events are read, each with one command.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic import times
from hw.weights import Rows, store_members

OFFSET = 2 << 20
"""Where the weights begin in the flash of every board: behind the largest bitstream, that of an ECP5-85F (1.9 MiB)."""

WEIGHTS_FILE = "weights.bin"
"""Beside the bitstream: what belongs at ``OFFSET``."""

FAST_READ, WAKE = 0x0B, 0xAB
"""Commands: one byte, three of address, one of which nothing is asked, then data; release from power-down, in which an
iCE40 leaves its flash."""

COMMAND_BITS = 40

DESELECT_CYCLES = 8
"""Between two commands: 50 ns at up to 160 MHz (the slowest of Winbond's W25Q128JV)."""

WAKE_CYCLES = 1024
"""After ``WAKE``: 5 us at up to 200 MHz (W25Q128JV: 3 us)."""


class FlashBus(wiring.Signature):
    """The wires of an SPI flash, from the side of who reads it: one bit at a time, mode 0, ``cs_n`` active low."""

    def __init__(self) -> None:
        high: Any = {"init": 1}  # the stubs know none
        super().__init__({"cs_n": Out(1, **high), "sck": Out(1), "copi": Out(1), "cipo": In(1)})


def flash_members(layer: int | None) -> dict[str, wiring.Member]:
    """Return the wires of what has a layer with weights in flash; none if there is no such layer."""
    return {} if layer is None else {"flash": Out(FlashBus())}


def image(rows: Rows) -> bytes:
    """Return the rows as they lie in flash: :meth:`hw.weights.Rows.pack`, each word in whole bytes, highest first."""
    return b"".join(word.to_bytes(rows.word_bytes, "big") for word in rows.pack())


def row_cycles(rows: Rows) -> int:
    """Return the cycles from one row to the next: two per bit, of command and data, and the pause between them."""
    return 2 * (COMMAND_BITS + 8 * rows.word_bytes * rows.folds) + DESELECT_CYCLES + 1


class FlashStore(wiring.Component):
    """Weight rows in SPI flash; other ports as of any store, see :func:`hw.weights.store_members`.

    Throughput: a row in :func:`row_cycles`. The clock of the flash is half of ours. What it sends after a falling edge
    is taken with the next one, two cycles later, so the way there and back may take almost as long.

    A reset, which begins every image, breaks a command off; what the flash needs to be left alone, or to wake, goes on.

    :param base: address of the first row.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal
    flash: Any

    def __init__(self, rows: Rows, base: int = OFFSET):
        self.rows, self.base = rows, base
        super().__init__({**store_members(rows), "flash": Out(FlashBus())})

    def elaborate(self, platform: object) -> Module:
        """Build: a shift register out, one in, and the states of a command."""
        m = Module()
        rows, bus = self.rows, self.flash
        word_bits = 8 * rows.word_bytes
        command, word = Signal(COMMAND_BITS), Signal(word_bits)
        bits, words = Signal(range(max(COMMAND_BITS, word_bits))), Signal(range(rows.folds))
        wait = Signal(range(WAKE_CYCLES), init=DESELECT_CYCLES - 1, reset_less=True)
        awake = Signal(reset_less=True)
        taken = Signal()
        m.d.comb += [
            bus.copi.eq(command[-1]),
            self.o.payload.eq(word[: rows.word.size]),
            taken.eq(bus.sck & (bits == 0)),
        ]
        m.d.sync += self.o.valid.eq(0)
        with m.If(~bus.cs_n):
            m.d.sync += bus.sck.eq(~bus.sck)
        with m.If(bus.sck):
            m.d.sync += [command.eq(command << 1), word.eq(Cat(bus.cipo, word)), bits.eq(bits - 1)]
        with m.FSM():
            with m.State("REST"):
                m.d.comb += self.idle.eq(~self.o.valid)
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += wait.eq(DESELECT_CYCLES - 1)
                    m.next = "READY"
                    with m.If(~awake):
                        m.d.sync += [command.eq(WAKE << (COMMAND_BITS - 8)), bits.eq(7), bus.cs_n.eq(0)]
                        m.next = "COMMAND"
            with m.State("READY"):
                m.d.comb += [self.idle.eq(1), self.i.ready.eq(1)]
                with m.If(self.i.valid):
                    address = times(self.i.payload, rows.word_bytes * rows.folds) + Const(self.base, 24)
                    m.d.sync += [command.eq(Cat(Const(0, 8), address[:24], Const(FAST_READ, 8))), bus.cs_n.eq(0)]
                    m.d.sync += [bits.eq(COMMAND_BITS - 1), words.eq(rows.folds - 1)]
                    m.next = "COMMAND"
            with m.State("COMMAND"), m.If(taken):
                m.d.sync += bits.eq(word_bits - 1)
                m.next = "READ"
                with m.If(~awake):
                    m.d.sync += [awake.eq(1), wait.eq(WAKE_CYCLES - 1), bus.cs_n.eq(1)]
                    m.next = "REST"
            with m.State("READ"), m.If(taken):
                m.d.sync += [self.o.valid.eq(1), bits.eq(word_bits - 1), words.eq(words - 1)]
                with m.If(words == 0):
                    m.d.sync += bus.cs_n.eq(1)
                    m.next = "REST"
        return m
