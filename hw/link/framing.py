"""Frames in hardware: twin of :mod:`hw.link.frame`, between the bytes of a UART and whole requests
and replies.

Within the gateware a frame is its content without the check: head, then payload. The head says how
long it is, so nothing else marks where the next one begins.
"""

import zlib
from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import (
    crc,  # pyright: ignore[reportAttributeAccessIssue]  (the stubs of Amaranth 0.5 lack it)
    data,
    memory,
    stream,
    wiring,
)
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out

from hw.link.frame import CHECK, HEAD

_FULL_BLOCK = 255
"""COBS: the code byte of a block of 254 bytes that no zero follows."""


def _check() -> crc.Processor:
    """Return a circuit of the check, after comparing it with the software's."""
    algorithm = CRC32_ETHERNET(data_width=8)
    assert algorithm.compute(b"check") == zlib.crc32(b"check")
    return algorithm.create()


@dataclass(frozen=True)
class Buffer:
    """Memory of a :class:`Receiver`.

    :param bytes: a power of two; a longer frame is dropped.
    :param ram_style: ``block``, or ``distributed`` where weights take every block, or ``auto``.
    """

    bytes: int
    ram_style: str = "auto"

    @staticmethod
    def room(payload: int) -> int:
        """Return the bytes that a frame with ``payload`` bytes takes while it is checked."""
        return HEAD.size + payload + CHECK.size


class Receiver(wiring.Component):
    """Bytes of the line to the content of whole frames: COBS, length and check; anything else never
    appears on ``o``.

    ``i`` is always ready: the line does not wait. ``damaged`` counts what was no frame or found no
    room.

    Latency: a frame appears after its delimiter. Throughput: one byte per cycle in, one in two
    cycles out.
    """

    i: stream.Interface
    o: stream.Interface
    damaged: Signal

    def __init__(self, buffer: Buffer):
        self.buffer = buffer
        super().__init__(
            {
                "i": In(stream.Signature(8, always_ready=True)),
                "o": Out(stream.Signature(8)),
                "damaged": Out(16),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: take COBS away, keep what comes, and let it go once it proved whole."""
        m = Module()

        content, end, ragged = self._blocks(m)
        m.submodules.check = check = _check()

        # A ring: from ``read`` up to ``start`` are whole frames, behind them the bytes ``received``
        # of the one that comes. ``length``: what its head says.
        size, style = self.buffer.bytes, self.buffer.ram_style
        received, length = Signal(range(size)), Signal(16)
        read, start, full = Signal(range(size)), Signal(range(size)), Signal()
        attributes = {} if style == "auto" else {"ram_style": style}
        m.submodules.memory = cells = memory.Memory(shape=8, depth=size, init=[], attrs=attributes)
        writer, reader = cells.write_port(), cells.read_port()

        m.d.comb += [
            writer.addr.eq(start + received),
            writer.data.eq(content.payload),
            writer.en.eq(content.valid & ~full),
            check.data.eq(content.payload),
            check.valid.eq(content.valid),
            check.start.eq(content.valid & (received == 0)),
        ]

        # The check that came with the frame has gone through the circuit too, which then matches.
        whole = Signal()
        complete = received == length + Buffer.room(0)
        m.d.comb += whole.eq(check.match_detected & ~ragged & ~full & complete)

        # Only a frame that proved whole moves ``start``: any other one is written over.
        with m.If(end):
            m.d.sync += [received.eq(0), full.eq(0), length.eq(0)]
            with m.If(whole):
                m.d.sync += start.eq(start + received - CHECK.size)
            with m.Elif((received != 0) | ragged | full):
                m.d.sync += self.damaged.eq(self.damaged + 1)
        with m.Elif(content.valid & ~full):
            with m.If(writer.addr + 1 == read[: len(writer.addr)]):
                m.d.sync += full.eq(1)
            m.d.sync += received.eq(received + 1)

            # The length is the end of the head, its lower byte first.
            for index in (0, 1):
                with m.If(received == HEAD.size - 2 + index):
                    m.d.sync += length.word_select(index, 8).eq(content.payload)

        self._hand_out(m, reader, read, start)
        return m

    def _blocks(self, m: Module) -> tuple[stream.Interface, Value, Value]:
        """Take COBS away: return the content, the end of a frame, and whether it ends within a
        block.
        """
        content, end = stream.Signature(8, always_ready=True).create(), Signal()
        byte = self.i.payload
        m.d.comb += end.eq(self.i.valid & (byte == 0))

        # ``remaining``: bytes of the block; ``code``: the byte that it began with; ``inside``: it
        # is not the first block of its frame.
        remaining, code, inside = Signal(8), Signal(8), Signal()
        with m.If(end):
            m.d.sync += [remaining.eq(0), inside.eq(0)]
        with m.Elif(self.i.valid & (remaining == 0)):
            # Between two blocks there is a zero, unless the first one was full.
            m.d.comb += content.valid.eq(inside & (code != _FULL_BLOCK))
            m.d.sync += [remaining.eq(byte - 1), code.eq(byte), inside.eq(1)]
        with m.Elif(self.i.valid):
            m.d.comb += [content.valid.eq(1), content.payload.eq(byte)]
            m.d.sync += remaining.eq(remaining - 1)
        return content, end, remaining != 0

    def _hand_out(self, m: Module, reader: memory.ReadPort, read: Signal, stop: Signal) -> None:
        """Offer the bytes from ``read`` up to ``stop``; ``ready`` reaches no further than a
        counter.
        """
        # The memory answers in the following cycle, so every other cycle a byte is there.
        settled = Signal()
        m.d.comb += [
            reader.addr.eq(read),
            self.o.payload.eq(reader.data),
            self.o.valid.eq(settled & (read != stop)),
        ]

        m.d.sync += settled.eq(1)
        with m.If((self.o.valid & self.o.ready) | (read == stop)):
            m.d.sync += settled.eq(0)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += read.eq(read + 1)


class Sender(wiring.Component):
    """Content of frames to bytes of the line: check, COBS, delimiters.

    ``i``: ``byte``, and ``last`` on the frame's last. The frame is collected whole; then it goes
    out while ``i`` waits.

    :param room: bytes of the longest frame, check included; at most 254, so that COBS has no full
        block.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, room: int):
        assert room < _FULL_BLOCK
        self.room = room
        self.byte = data.StructLayout({"byte": 8, "last": 1})
        super().__init__({"i": In(stream.Signature(self.byte)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        """Build: collect the frame as COBS writes it, each block's length as soon as its end is
        known; then send it.
        """
        m = Module()

        m.submodules.check = check = _check()
        m.submodules.memory = cells = memory.Memory(shape=8, depth=self.room + 1, init=[])
        writer, reader = cells.write_port(), cells.read_port()

        # ``end``: where the next byte goes; ``code_at``: where the length of the current block
        # goes, which begins the frame.
        code_at, end = Signal(range(self.room + 1)), Signal(range(self.room + 2), init=1)
        put, byte, check_index = Signal(), Signal(8), Signal(range(CHECK.size))
        m.d.comb += [
            check.data.eq(self.i.payload.byte),
            check.valid.eq(self.i.valid & self.i.ready),
            check.start.eq(check.valid & (end == 1)),
            writer.addr.eq(end),
            writer.data.eq(byte),
            writer.en.eq(put),
        ]

        # A zero is not written: where it would be, the next block begins with its length.
        with m.If(put):
            m.d.sync += end.eq(end + 1)
            with m.If(byte == 0):
                m.d.comb += [writer.addr.eq(code_at), writer.data.eq(end - code_at)]
                m.d.sync += code_at.eq(end)

        with m.FSM():
            with m.State("COLLECT"):
                m.d.comb += [self.i.ready.eq(1), put.eq(self.i.valid), byte.eq(self.i.payload.byte)]
                with m.If(self.i.valid & self.i.payload.last):
                    m.next = "CHECK"

            with m.State("CHECK"):
                m.d.comb += [put.eq(1), byte.eq(check.crc.word_select(check_index, 8))]
                m.d.sync += check_index.eq(check_index + 1)
                with m.If(check_index == CHECK.size - 1):
                    m.next = "CLOSE"

            with m.State("CLOSE"):
                m.d.comb += [
                    writer.en.eq(1),
                    writer.addr.eq(code_at),
                    writer.data.eq(end - code_at),
                ]
                m.next = "SEND"

            with m.State("SEND"), m.If(self._send(m, reader, end)):
                m.d.sync += [end.eq(1), code_at.eq(0)]
                m.next = "COLLECT"
        return m

    def _send(self, m: Module, reader: memory.ReadPort, end: Signal) -> Value:
        """Offer a delimiter, the first ``end`` bytes, a delimiter; return whether the last one is
        being taken.
        """
        # The memory answers in the following cycle, so its address is that of the byte after.
        index, following = Signal(range(self.room + 3)), Signal(range(self.room + 3))
        done = Signal()
        m.d.comb += [
            self.o.valid.eq(1),
            following.eq(index + self.o.ready),
            reader.addr.eq(following - 1),
            done.eq(self.o.ready & (index == end + 1)),
        ]
        m.d.sync += index.eq(Mux(done, 0, following))

        # Delimiters are zero, like a payload that nothing drives.
        with m.If((index != 0) & (index != end + 1)):
            m.d.comb += self.o.payload.eq(reader.data)
        return done
