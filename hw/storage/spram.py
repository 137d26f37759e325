"""Weight rows in the single-port RAM of iCE40 UltraPlus, which no bitstream fills: a host loads
them at each start.
"""

from typing import Any

from amaranth.hdl import Array, Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.fpga.device import Device
from hw.rows import Rows, WordPort, store_members
from hw.storage.block import BlockStore

BITS, DEPTH = 16, 16384
"""Of one SB_SPRAM256KA (Lattice FPGA-TN-02022)."""

SPRAM_BITS = BITS * DEPTH


def sprams(rows: Rows) -> int:
    """Return how many primitives the rows take."""
    return -(-rows.word.size // BITS) * -(-rows.depth // DEPTH)


class SpramWords(wiring.Component):
    """The words of a layer in SPRAM: ``word`` is that of the last ``address``, or of the host's,
    who goes first.

    For an iCE40 UltraPlus it is built of its primitives; for anything else, simulators above all,
    of a plain memory. A word that was never written, and the word in the cycle after a write, mean
    nothing.
    """

    address: Signal
    word: data.View
    words: wiring.PureInterface

    def __init__(self, rows: Rows):
        self.rows = rows
        super().__init__(
            {
                "address": In(bits_for(rows.depth - 1)),
                "word": Out(rows.word),
                "words": In(WordPort(rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the host before the layer, one memory with one port."""
        m = Module()

        host: Any = self.words
        address = Signal.like(self.address)
        m.d.comb += [
            address.eq(Mux(host.read | host.write, host.address, self.address)),
            host.word.eq(Value.cast(self.word)),
        ]

        # Synthesis cannot infer this memory; simulators do not know the primitive.
        if isinstance(platform, Device) and platform.spram_bits:
            self._place_primitives(m, address)
            return m

        m.submodules.memory = cells = memory.Memory(
            shape=self.rows.word.size, depth=self.rows.depth, init=[]
        )
        reader, writer = cells.read_port(), cells.write_port()

        m.d.comb += [
            reader.addr.eq(address),
            reader.en.eq(~host.write),  # one port: what is written is not read
            writer.addr.eq(address),
            writer.en.eq(host.write),
            writer.data.eq(host.data),
            Value.cast(self.word).eq(reader.data),
        ]
        return m

    def _place_primitives(self, m: Module, address: Value) -> None:
        """Instantiate primitives: columns side by side for width, banks for depth."""
        host: Any = self.words

        # A layer of few words leaves the upper address bits 0; one of many selects a bank by them.
        address_bits = bits_for(DEPTH - 1)
        in_bank, bank = address[:address_bits], address[address_bits:]

        # The last column is wider than what remains of a word.
        columns = -(-self.rows.word.size // BITS)
        written, words = Signal(columns * BITS), list[Value]()
        m.d.comb += written.eq(host.data)

        for index in range(-(-self.rows.depth // DEPTH)):
            words.append(Signal(columns * BITS, name=f"bank_{index}"))
            for column in range(columns):
                m.submodules[f"spram_{index}_{column}"] = Instance(
                    "SB_SPRAM256KA",
                    i_CLOCK=ClockSignal(),
                    i_ADDRESS=Cat(in_bank, Const(0, address_bits - len(in_bank))),
                    i_DATAIN=written.word_select(column, BITS),
                    i_MASKWREN=Const(-1, 4),
                    i_WREN=host.write & (bank == index),
                    i_CHIPSELECT=Const(1),
                    i_STANDBY=Const(0),
                    i_SLEEP=Const(0),
                    i_POWEROFF=Const(1),  # active low
                    o_DATAOUT=words[-1].word_select(column, BITS),
                )

        # The banks answer one cycle after the address, so the choice between them is as late.
        read_bank = Signal.like(bank)
        m.d.sync += read_bank.eq(bank)
        m.d.comb += Value.cast(self.word).eq(Array(words)[read_bank])


class SpramStore(wiring.Component):
    """Weight rows in SPRAM, at the pace of a :class:`hw.storage.block.BlockStore`; a host brings
    them through ``words``.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal
    words: wiring.PureInterface
    flash: Any

    def __init__(self, rows: Rows):
        self.rows = rows
        super().__init__(store_members(rows, words=WordPort(rows)))

    def elaborate(self, platform: object) -> Module:
        """Build: the store that reads rows, and its memory."""
        m = Module()
        words = SpramWords(self.rows)
        m.submodules.store = store = BlockStore(self.rows, words)

        connect(m, flipped(self.i), store.i)
        connect(m, store.o, flipped(self.o))
        connect(m, flipped(self.words), words.words)
        m.d.comb += self.idle.eq(store.idle)
        return m
