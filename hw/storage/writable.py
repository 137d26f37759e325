"""Weight rows that learning moves: a word that was looked up can go back a little larger or
smaller.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.arithmetic import total
from hw.rows import Rows, WordPort, moves, store_members
from hw.storage.block import BlockStore
from sim.fixed_point import WeightFormat

LATENCY_CYCLES = 2
"""From a row asked for to its first word, from a word read to its being written."""


class WritableWords(wiring.Component):
    """The words of a layer in block RAM with one read and one write port; ``word`` is that of the
    last ``address``.

    ``write`` puts ``moved`` at ``target``; a host at ``words`` goes before both ports. A word that
    is read in the cycle in which it is written means nothing, so the memory needs no bypass.
    """

    address: Signal
    word: data.View
    target: Signal
    moved: data.View
    write: Signal
    words: Any

    def __init__(self, rows: Rows):
        self.rows = rows
        address = bits_for(rows.depth - 1)
        super().__init__(
            {
                "address": In(address),
                "word": Out(rows.word),
                "target": In(address),
                "moved": In(rows.word),
                "write": In(1),
                "words": In(WordPort(rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: one memory with two ports."""
        m = Module()
        words, host = self.rows.pack(), self.words
        m.submodules.memory = block = memory.Memory(
            shape=self.rows.word.size, depth=len(words), init=words
        )
        reader, writer = block.read_port(), block.write_port()
        m.d.comb += [
            reader.addr.eq(Mux(host.read, host.address, self.address)),
            Value.cast(self.word).eq(reader.data),
            host.word.eq(reader.data),
            writer.addr.eq(Mux(host.write, host.address, self.target)),
            writer.data.eq(Mux(host.write, host.data, Value.cast(self.moved))),
            writer.en.eq(host.write | self.write),
        ]
        return m


class WritableStore(wiring.Component):
    """A :class:`hw.storage.block.BlockStore` whose words can be moved.

    ``write`` with a word on ``o``: each of its weights moves by ``move``, saturates at the format's
    limits, and goes back to where it came from. ``changed``: how many weights the last cycle's
    write changed. ``words``: for a host.

    Latency and throughput are those of the block store. A word is written ``LATENCY_CYCLES`` after
    it was read, so rows that are written one after the other must differ.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal
    move: data.View
    write: Signal
    changed: Signal
    words: Any

    def __init__(self, rows: Rows):
        self.rows = rows
        super().__init__(
            {
                **store_members(rows),
                "move": In(moves(rows.lanes)),
                "write": In(1),
                "changed": Out(range(rows.lanes + 1)),
                "words": In(WordPort(rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the store, the address of the word on ``o``, one saturating step per lane."""
        m = Module()
        words = WritableWords(self.rows)
        m.submodules.store = store = BlockStore(self.rows, words)
        connect(m, flipped(self.i), store.i)
        connect(m, store.o, flipped(self.o))
        connect(m, flipped(self.words), words.words)
        address = words.address
        for place in range(LATENCY_CYCLES):
            later = Signal.like(words.address, name=f"address_{place + 1}")
            m.d.sync += later.eq(address)
            address = later
        form = WeightFormat(self.rows.layer.weight_bits)
        changes = Signal(self.rows.lanes)
        for lane in range(self.rows.lanes):
            weight, move = self.o.payload[lane], self.move[lane]
            stuck = ((move == 1) & (weight == form.high)) | ((move == -1) & (weight == form.low))
            m.d.comb += changes[lane].eq((move != 0) & ~stuck)
            m.d.comb += words.moved[lane].eq(weight + Mux(stuck, 0, move))
        m.d.comb += [self.idle.eq(store.idle), words.target.eq(address), words.write.eq(self.write)]
        m.d.sync += self.changed.eq(Mux(self.write, total(list(changes)), 0))
        return m
