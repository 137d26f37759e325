"""The words of weight memories as bytes of requests and replies, for a host that loads them and
reads them back.
"""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic import times
from hw.rows import Rows, word_ports
from sim.errors import InputError

WHERE = data.StructLayout({"layer": 8, "first": 24, "count": 8})
"""What the payload of such a request begins with: which words, of which layer."""

WHERE_BYTES = WHERE.size // 8


def where(layer: int, first: int, count: int) -> bytes:
    """Return a :data:`WHERE` as bytes."""
    return bytes((layer,)) + first.to_bytes(3, "little") + bytes((count,))


def split(words: int, word_bytes: int, room: int) -> list[tuple[int, int]]:
    """Return a number of words as parts (first, count), in order, each with at most ``room`` bytes
    and 255 words.

    :raises InputError: one word is longer than that.
    """
    most = min(255, room // word_bytes)
    if most == 0:
        raise InputError(
            f"lanes: a word of {word_bytes} bytes does not fit into a frame; build with fewer "
            "lanes."
        )
    return [(first, min(most, words - first)) for first in range(0, words, most)]


class Words(wiring.Component):
    """Reads and writes words, one after the other.

    ``where``: which ones; it stays as it is while they come or go. ``known``: they exist; ``size``:
    their bytes; both follow ``where`` in the same cycle. ``start`` begins at the first word: with
    ``reading`` the words leave on ``o``, ``last`` on the last byte; without, those that come on
    ``i`` are written. Lowest bits first; each word begins with a byte of its own. A byte per cycle,
    and 2 more cycles per word read.

    ``loaded``: words of layer ``to_load`` written since reset, counted from the first one up to the
    first gap; ``complete``: all of them, or there is no such layer.

    :param rows: of the layers that have a port, by the layer's index.
    :param to_load: the layer whose words only a host brings; None: all come with the bitstream.
    """

    i: stream.Interface
    o: stream.Interface
    where: data.View
    known: Signal
    size: Signal
    start: Signal
    reading: Signal
    loaded: Signal
    complete: Signal
    ports: Any

    def __init__(self, rows: Mapping[int, Rows], to_load: int | None):
        self.rows, self.to_load = rows, to_load
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(data.StructLayout({"byte": 8, "last": 1}))),
                "where": In(WHERE),
                "known": Out(1),
                "size": Out(16),
                "start": In(1),
                "reading": In(1),
                "loaded": Out(24),
                "complete": Out(1),
                "ports": Out(word_ports(rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: one shift register for the words of all layers, and its way to their ports."""
        m = Module()

        longest = max(rows.word_bytes for rows in self.rows.values())
        self.content = content = Signal(8 * longest)
        self.read, self.write = Signal(), Signal()

        # ``words`` and ``bytes_``: how many remain, of the request and of the word.
        address, words, bytes_ = Signal(24), Signal(8), Signal(range(longest + 1))
        word, word_bytes = self._connect_ports(m, address)
        byte = self.o.payload
        m.d.comb += [byte.byte.eq(content[:8]), byte.last.eq((words == 1) & (bytes_ == 1))]

        # A word is written one cycle after its last byte came: then it is whole.
        m.d.sync += self.write.eq(0)
        with m.If(self.write):
            m.d.sync += address.eq(address + 1)

        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [
                        content.eq(Cat(content[8:], self.i.payload)),
                        bytes_.eq(bytes_ - 1),
                    ]
                    with m.If(bytes_ == 1):
                        m.d.sync += [self.write.eq(1), bytes_.eq(word_bytes)]
                with m.If(self.start):
                    m.d.sync += [
                        address.eq(self.where.first),
                        words.eq(self.where.count),
                        bytes_.eq(word_bytes),
                    ]
                    with m.If(self.reading):
                        m.next = "READ"

            with m.State("READ"):
                m.d.comb += self.read.eq(1)
                m.next = "WORD"

            with m.State("WORD"):
                m.d.sync += [content.eq(word), bytes_.eq(word_bytes), address.eq(address + 1)]
                m.next = "GIVE"

            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [content.eq(content >> 8), bytes_.eq(bytes_ - 1)]
                    with m.If(bytes_ == 1):
                        m.d.sync += words.eq(words - 1)
                        m.next = "READ"
                    with m.If(byte.last):
                        m.next = "TAKE"

        self._count_loaded(m, address)
        return m

    def _connect_ports(self, m: Module, address: Value) -> tuple[Value, Value]:
        """Choose the port of ``where``'s layer; return the word it answers, and the bytes of such a
        word.
        """
        word, word_bytes = Signal.like(self.content), Signal(range(len(self.content) // 8 + 1))
        end = Signal(25)
        m.d.comb += end.eq(self.where.first + self.where.count)

        with m.Switch(self.where.layer):
            for index, rows in self.rows.items():
                port = getattr(self.ports, f"layer_{index}")
                with m.Case(index):
                    m.d.comb += [
                        self.known.eq((end <= rows.depth) & (self.where.count != 0)),
                        self.size.eq(times(self.where.count, rows.word_bytes)),
                        word_bytes.eq(rows.word_bytes),
                        word.eq(port.word),
                        port.read.eq(self.read),
                        port.write.eq(self.write),
                    ]

        # Without a strobe they mean nothing, so every port sees address and data. A shorter word is
        # the last that was shifted in: the upper end of the register.
        for index, rows in self.rows.items():
            port = getattr(self.ports, f"layer_{index}")
            m.d.comb += [
                port.address.eq(address),
                port.data.eq(self.content[-8 * rows.word_bytes :]),
            ]
        return word, word_bytes

    def _count_loaded(self, m: Module, address: Value) -> None:
        """Count the words of the layer to load, from the first one up to the first gap."""
        if self.to_load is None:
            m.d.comb += self.complete.eq(1)
            return

        following = self.write & (self.where.layer == self.to_load) & (address == self.loaded)
        m.d.comb += self.complete.eq(self.loaded == self.rows[self.to_load].depth)
        with m.If(following):
            m.d.sync += self.loaded.eq(self.loaded + 1)
