"""Weight rows behind one interface: a layer asks for a row and gets its weights, ``lanes`` at a
time.

A store is any component with the members of :func:`store_members`; where the rows lie (block RAM
here; SPRAM, flash, a memory that learning writes to) is its business, and so is its pace. How

"""

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.arithmetic import times
from hw.rows import PIECE, Rows, store_members


class BlockWords(wiring.Component):
    """The words of a layer, initialised with the bitstream: ``word`` is that of the last
    ``address``.

    :param style: kind of memory, in yosys' words; they are stored in block RAM if it is not given.
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
        size, offset_bits, found = self.rows.word.size, bits_for(self.piece - 1), list[Value]()
        for place, words in enumerate(self.rows.pieces(self.piece)):
            block = memory.Memory(
                shape=size, depth=len(words), init=words, attrs=dict(self.attributes)
            )
            m.submodules[f"memory_{place}"] = block
            port = block.read_port()
            m.d.comb += port.addr.eq(self.address[:offset_bits])
            found.append(port.data)
        piece = Signal(range(len(found)))
        m.d.sync += piece.eq(self.address[offset_bits:])
        m.d.comb += Value.cast(self.word).eq(Array(found)[piece])
        return m


class BlockStore(wiring.Component):
    """Weight rows in block RAM, or in another memory that answers in the following cycle.

    Latency: 2 cycles from a row to its first word (memory, and a register before or behind it).
    Throughput: one word per cycle, also from row to row.

    :param words: where they lie: a component with the members of :class:`BlockWords`, which is the
        one taken if None.
    :param late: its ``word`` is that of the last ``address`` but one.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self, rows: Rows, words: Any = None, late: bool = False):
        self.rows, self.late = rows, late
        self.words = BlockWords(rows) if words is None else words
        super().__init__(store_members(rows))

    def elaborate(self, platform: object) -> Module:
        """Build: an address counter, the memory, an output register."""
        m = Module()
        m.submodules.words = words = self.words
        address, left = Signal.like(words.address), Signal(range(self.rows.folds))
        word = words.word
        if not self.late:
            word = Signal(self.rows.word, reset_less=True)
            m.d.sync += word.eq(words.word)
        accept, reading = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(left == 0),
            accept.eq(self.i.valid & self.i.ready),
            words.address.eq(Mux(left == 0, times(self.i.payload, self.rows.folds), address)),
            self.idle.eq((left == 0) & ~reading & ~self.o.valid),
            self.o.payload.eq(word),
        ]
        m.d.sync += [
            address.eq(words.address + 1),
            reading.eq(accept | (left != 0)),
            self.o.valid.eq(reading),
        ]
        with m.If(accept):
            m.d.sync += left.eq(self.rows.folds - 1)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        return m
