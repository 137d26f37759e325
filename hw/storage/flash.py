"""Weight rows in a board's SPI flash, behind the bitstream: for a layer that fits nowhere else.

Only the rows of events are read, each with one command, over as many data wires as the placement
says.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic import times
from hw.rows import Rows, store_members

OFFSET = 2 << 20
"""Where the weights begin in the flash of every board: behind the largest bitstream, that of an
ECP5-85F (1.9 MiB).
"""

HEADER_BYTES = 4
"""Before the first row: the digest of the network, highest byte first."""

WEIGHTS_FILE = "weights.bin"
"""Beside the bitstream: what belongs at ``OFFSET``."""

READ = {1: 0x0B, 2: 0x3B, 4: 0x6B}
"""Commands by data wires (fast read, dual and quad output fast read), the rest alike: a byte, three
of address, a dummy byte, all on one wire, then data.
"""

WAKE = 0xAB
"""Command: release from power-down, in which an iCE40 leaves its flash."""

VOLATILE, STATUS_2, QUAD_ENABLE = 0x50, 0x31, 0x02
"""Commands of Winbond's chips and those made like them, of two and of one byte: what is written to
the second status register next holds until power goes, nothing is worn or locked; write it; its bit
without which the chip keeps two of its wires for other purposes. Most chips are sold with the bit
set, and others ignore these commands.
"""

COMMAND_BITS = 40
"""Of a command that reads: its byte, the address, and ``DUMMY_BITS``."""

DUMMY_BITS = 8
"""The last ones of a command that reads: nothing is sent in them, and both sides release the data
wires.
"""

DESELECT_CYCLES = 8
"""Between two commands: 50 ns at up to 160 MHz (the slowest of Winbond's W25Q128JV)."""

WAKE_CYCLES = 1024
"""After ``WAKE``: 5 us at up to 200 MHz (W25Q128JV: 3 us)."""


class FlashBus(wiring.Signature):
    """The wires of an SPI flash, from the side of who reads it: mode 0, ``cs_n`` active low.

    Data wires 0 to 3 are also called COPI, CIPO, WP and HOLD: ``o`` is driven where ``oe`` says,
    ``i`` is what is there; wires that a board lacks are high.
    """

    def __init__(self) -> None:
        high: Any = {"init": 1}  # the stubs know none
        super().__init__(
            {"cs_n": Out(1, **high), "sck": Out(1), "o": Out(4), "oe": Out(4), "i": In(4)}
        )


class FlashPort(wiring.Signature):
    """What a store in flash exchanges with the board: the wires, ``bus``, and the ``digest`` that
    it read before the weights.
    """

    def __init__(self) -> None:
        super().__init__({"bus": Out(FlashBus()), "digest": Out(8 * HEADER_BYTES)})


def image(rows: Rows, digest: int) -> bytes:
    """Return the content of the flash from ``OFFSET`` on: the digest, then
    :meth:`hw.rows.Rows.pack`, each word in whole bytes, highest first.
    """
    words = b"".join(word.to_bytes(rows.word_bytes, "big") for word in rows.pack())
    return digest.to_bytes(HEADER_BYTES, "big") + words


def row_cycles(rows: Rows, wires: int) -> int:
    """Return the cycles from one row to the next: two per bit of the command, two per ``wires``
    bits of data, and the pause between two commands.
    """
    return 2 * (COMMAND_BITS + 8 * rows.word_bytes * rows.folds // wires) + DESELECT_CYCLES + 1


class FlashStore(wiring.Component):
    """Weight rows in SPI flash; other ports as of any store, see
    :func:`hw.rows.store_members`.

    Throughput: a row in :func:`row_cycles`. The clock of the flash is half of ours. What it sends
    after a falling edge is sampled with the next one, two cycles later, so the round trip may take
    almost as long.

    First it wakes the flash, enables all four wires if it is to use them, and reads the digest. A
    reset, which begins every image, breaks a command off, and if it was one of these, begins with
    the first of them again; the pauses that the flash needs are kept.

    :param rows: what is stored.
    :param wires: of data, 1, 2 or 4.
    :param base: address of the digest.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal
    words: Any
    flash: Any

    def __init__(self, rows: Rows, wires: int, base: int = OFFSET):
        self.rows, self.wires, self.base = rows, wires, base
        super().__init__(store_members(rows, flash=FlashPort()))

    @property
    def first(self) -> list[tuple[int, int]]:
        """The commands that are sent before any row is read, with their numbers of bits."""
        quad = [(VOLATILE, 8), (STATUS_2 << 8 | QUAD_ENABLE, 16)] if self.wires == 4 else []
        return [
            (WAKE, 8),
            *quad,
            ((READ[self.wires] << 24 | self.base) << DUMMY_BITS, COMMAND_BITS),
        ]

    def elaborate(self, platform: object) -> Module:
        """Build: a shift register out, one in, and the states of a command."""
        m = Module()

        rows, bus = self.rows, self.flash.bus
        word_clocks = 8 * rows.word_bytes // self.wires
        digest_clocks = 8 * HEADER_BYTES // self.wires

        # ``bits``: clocks that remain of the command, or of the word that comes. ``words``: of the
        # row. ``driven``: the first data wire is ours. ``taken``: the last clock of either ends.
        command, word = Signal(COMMAND_BITS), Signal(8 * rows.word_bytes)
        bits = Signal(range(max(COMMAND_BITS, word_clocks, digest_clocks)))
        words, driven, taken = Signal(range(rows.folds)), Signal(), Signal()

        # A reset comes with every image. It must not forget the digest, nor that the flash has been
        # woken (``begun``), nor how long the flash still has to rest.
        digest = Signal(8 * HEADER_BYTES, reset_less=True)
        wait = Signal(range(WAKE_CYCLES), init=DESELECT_CYCLES - 1, reset_less=True)
        step, begun = Signal(range(len(self.first))), Signal(reset_less=True)
        reads = Signal()  # the command of this step is followed by data

        data = bus.i[1] if self.wires == 1 else bus.i[: self.wires]
        m.d.comb += [
            bus.o.eq(Cat(command[-1], Const(0), Const(0b11, 2))),  # WP and HOLD are high
            bus.oe.eq(Cat(driven, Const(0), *[driven if self.wires == 4 else Const(1)] * 2)),
            self.o.payload.eq(word[: rows.word.size]),
            self.flash.digest.eq(digest),
            taken.eq(bus.sck & (bits == 0)),
            reads.eq(begun | (step == len(self.first) - 1)),
        ]

        # Mode 0: the flash samples at the rising edge, so bits change with the falling one.
        m.d.sync += self.o.valid.eq(0)

        with m.If(~bus.cs_n):
            m.d.sync += bus.sck.eq(~bus.sck)
        with m.If(bus.sck):
            m.d.sync += [command.eq(command << 1), word.eq(Cat(data, word)), bits.eq(bits - 1)]
            with m.If(~begun):
                m.d.sync += digest.eq(Cat(data, digest))
            with m.If(reads & (bits == DUMMY_BITS)):
                m.d.sync += driven.eq(0)

        with m.FSM():
            with m.State("REST"):
                m.d.comb += self.idle.eq(~self.o.valid)
                m.d.sync += [wait.eq(wait - 1), driven.eq(0)]
                with m.If(wait == 0):
                    m.d.sync += wait.eq(DESELECT_CYCLES - 1)
                    m.next = "READY"
                    with m.If(~begun):
                        self._send_first(m, step, command, bits)
                        m.d.sync += [words.eq(0), bus.cs_n.eq(0), driven.eq(1)]
                        m.next = "COMMAND"

            with m.State("READY"):
                m.d.comb += [self.idle.eq(1), self.i.ready.eq(1)]
                with m.If(self.i.valid):
                    row = times(self.i.payload, rows.word_bytes * rows.folds)
                    address = row + Const(self.base + HEADER_BYTES, 24)
                    m.d.sync += command.eq(
                        Cat(Const(0, DUMMY_BITS), address[:24], Const(READ[self.wires], 8))
                    )
                    m.d.sync += [
                        bits.eq(COMMAND_BITS - 1),
                        words.eq(rows.folds - 1),
                        bus.cs_n.eq(0),
                        driven.eq(1),
                    ]
                    m.next = "COMMAND"

            with m.State("COMMAND"), m.If(taken):
                m.d.sync += bits.eq(Mux(begun, word_clocks, digest_clocks) - 1)
                m.next = "READ"
                with m.If(~reads):
                    m.d.sync += [step.eq(step + 1), bus.cs_n.eq(1)]
                    with m.If(step == 0):  # it was WAKE
                        m.d.sync += wait.eq(WAKE_CYCLES - 1)
                    m.next = "REST"

            with m.State("READ"), m.If(taken):
                # The first word that comes is the digest; it is kept, and given to nobody.
                m.d.sync += [self.o.valid.eq(begun), bits.eq(word_clocks - 1), words.eq(words - 1)]
                with m.If(words == 0):
                    m.d.sync += [begun.eq(1), bus.cs_n.eq(1)]
                    m.next = "REST"
        return m

    def _send_first(self, m: Module, step: Signal, command: Signal, bits: Signal) -> None:
        """Shift out the command of this step, highest bit first."""
        with m.Switch(step):
            for number, (sent, count) in enumerate(self.first):
                with m.Case(number):
                    m.d.sync += [command.eq(sent << (COMMAND_BITS - count)), bits.eq(count - 1)]
