"""Weight rows in block RAM, which the bitstream fills, or in another memory that answers in the
following cycle.
"""

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.arithmetic import times
from hw.rows import PIECE, Rows, store_members

SUBMODULE = "words"
"""Name of a store's memories in the netlist; synthesis selects memories by it."""


LATENCY_CYCLES = 2
"""From a row asked for to its first word."""


class BlockWords(wiring.Component):
    """The words of a layer, initialised with the bitstream: ``word`` is that of the last
    ``address``.

    :param rows: what the words are.
    :param style: kind of memory, in yosys' words; block RAM if it is not given.
    :param piece: words in one memory, a power of two.
    """

    address: Signal
    word: data.View

    def __init__(self, rows: Rows, style: str | None = None, piece: int = PIECE):
        self.rows, self.piece = rows, piece
        self.attributes = {} if style is None else {"ram_style": style}
        super().__init__({"address": In(bits_for(rows.depth - 1)), "word": Out(rows.word)})

    def elaborate(self, platform: object) -> Module:
        """Build: one memory for each piece, and a multiplexer of their words."""
        m = Module()

        offset_bits, words = bits_for(self.piece - 1), list[Value]()

        for index, content in enumerate(self.rows.pieces(self.piece)):
            block = memory.Memory(
                shape=self.rows.word.size,
                depth=len(content),
                init=content,
                attrs=dict(self.attributes),
            )
            m.submodules[f"memory_{index}"] = block
            port = block.read_port()
            m.d.comb += port.addr.eq(self.address[:offset_bits])
            words.append(port.data)

        # The memories answer one cycle after the address, so the choice between them is as late.
        piece = Signal(range(len(words)))
        m.d.sync += piece.eq(self.address[offset_bits:])
        m.d.comb += Value.cast(self.word).eq(Array(words)[piece])
        return m


class BlockStore(wiring.Component):
    """Weight rows in a memory that answers in the following cycle.

    Latency: 2 cycles from a row to its first word (memory, and a register before or behind it).
    Throughput: one word per cycle, also from row to row.

    :param rows: what is stored.
    :param words: the memory: a component with the members of :class:`BlockWords`, which is the one
        taken if None.
    :param late: its ``word`` is that of the last ``address`` but one.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal
    words: Any
    flash: Any

    def __init__(self, rows: Rows, words: Any = None, late: bool = False):
        self.rows, self.late = rows, late
        self.memory = BlockWords(rows) if words is None else words
        super().__init__(store_members(rows))

    def elaborate(self, platform: object) -> Module:
        """Build: an address counter, the memory, an output register."""
        m = Module()

        m.submodules[SUBMODULE] = words = self.memory

        # Stage 0: the address of a word. The first one of a row is read in the cycle in which the
        # row is accepted, so a row may follow the last word of another without a pause.
        address, remaining = Signal.like(words.address), Signal(range(self.rows.folds))
        accept = Signal()
        m.d.comb += [
            self.i.ready.eq(remaining == 0),
            accept.eq(self.i.valid & self.i.ready),
            words.address.eq(Mux(remaining == 0, times(self.i.payload, self.rows.folds), address)),
        ]
        m.d.sync += address.eq(words.address + 1)
        with m.If(accept):
            m.d.sync += remaining.eq(self.rows.folds - 1)
        with m.Elif(remaining != 0):
            m.d.sync += remaining.eq(remaining - 1)

        # Stage 1: the memory has the word. Stage 2: a register has it; a memory that is late has
        # one of its own, before it.
        reading_1 = Signal()
        m.d.sync += [reading_1.eq(accept | (remaining != 0)), self.o.valid.eq(reading_1)]
        word_2 = words.word
        if not self.late:
            word_2 = Signal(self.rows.word, reset_less=True)
            m.d.sync += word_2.eq(words.word)

        m.d.comb += [
            self.o.payload.eq(word_2),
            self.idle.eq((remaining == 0) & ~reading_1 & ~self.o.valid),
        ]
        return m
