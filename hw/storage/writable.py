"""Weight rows that learning moves: a word that was looked up can be written back a little larger or
smaller.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.arithmetic import total
from hw.rows import Rows, WordPort, moves, store_members
from hw.storage.block import LATENCY_CYCLES, BlockStore
from sim.fixed_point import WeightFormat

SUBMODULE = "store"
"""Name in the netlist of the store that reads; synthesis selects memories by it."""


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
        address_bits = bits_for(rows.depth - 1)
        super().__init__(
            {
                "address": In(address_bits),
                "word": Out(rows.word),
                "target": In(address_bits),
                "moved": In(rows.word),
                "write": In(1),
                "words": In(WordPort(rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: one memory with two ports."""
        m = Module()

        content, host = self.rows.pack(), self.words
        m.submodules.memory = block = memory.Memory(
            shape=self.rows.word.size, depth=len(content), init=content
        )
        reader, writer = block.read_port(), block.write_port()

        # No image runs while a host is at the words, so it simply goes first.
        m.d.comb += [
            reader.addr.eq(Mux(host.read, host.address, self.address)),
            Value.cast(self.word).eq(reader.data),
            host.word.eq(reader.data),
        ]
        m.d.comb += [
            writer.addr.eq(Mux(host.write, host.address, self.target)),
            writer.data.eq(Mux(host.write, host.data, Value.cast(self.moved))),
            writer.en.eq(host.write | self.write),
        ]
        return m


class WritableStore(wiring.Component):
    """A :class:`hw.storage.block.BlockStore` whose words can be moved.

    ``write`` with a word on ``o``: each of its weights moves by ``move``, saturates at the format's
    limits, and is written back to its address. ``changed``: how many weights the last cycle's
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
    flash: Any

    def __init__(self, rows: Rows):
        self.rows = rows
        super().__init__(
            {
                **store_members(rows, words=WordPort(rows)),
                "move": In(moves(rows.lanes)),
                "write": In(1),
                "changed": Out(range(rows.lanes + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the store, the address of the word on ``o``, one saturating step per lane."""
        m = Module()

        words = WritableWords(self.rows)
        m.submodules[SUBMODULE] = store = BlockStore(self.rows, words)
        connect(m, flipped(self.i), store.i)
        connect(m, store.o, flipped(self.o))
        connect(m, flipped(self.words), words.words)
        m.d.comb += self.idle.eq(store.idle)

        # A word comes LATENCY_CYCLES after its address was given; the address follows it.
        address = words.address
        for stage in range(1, LATENCY_CYCLES + 1):
            later = Signal.like(words.address, name=f"address_{stage}")
            m.d.sync += later.eq(address)
            address = later
        m.d.comb += [words.target.eq(address), words.write.eq(self.write)]

        # A weight at a limit stays there, and does not count as changed.
        form = WeightFormat(self.rows.layer.weight_bits)
        changes = Signal(self.rows.lanes)
        for lane in range(self.rows.lanes):
            weight, move = self.o.payload[lane], self.move[lane]

            stuck = ((move == 1) & (weight == form.high)) | ((move == -1) & (weight == form.low))
            m.d.comb += changes[lane].eq((move != 0) & ~stuck)
            m.d.comb += words.moved[lane].eq(weight + Mux(stuck, 0, move))

        # Counted a cycle later: the adders of many lanes are not in the path of the write.
        m.d.sync += self.changed.eq(Mux(self.write, total(list(changes)), 0))
        return m
