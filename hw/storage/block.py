"""Weight rows behind one interface: a layer asks for a row and gets its weights, ``lanes`` at a
time.

A store is any component with the members of :func:`store_members`; where the rows lie (block RAM
here; SPRAM, flash, a memory that learning writes to) is its business, and so is its pace. How
weights lie in words: :class:`Rows`. A store whose words do not come with the bitstream, or change
later, also has ``words``, a :class:`WordPort`.
"""

import enum
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Array, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

import sim.network
from hw.arithmetic import times


class Storage(enum.Enum):
    """Where the weights of a layer lie."""

    BLOCK = "block"
    """In block RAM, which the bitstream fills."""
    SPRAM = "spram"
    """In the single-port RAM of iCE40 UltraPlus, which a host fills."""
    FLASH = "flash"
    """In the board's SPI flash, behind the bitstream: slow, for a layer that fits nowhere else."""
    LOGIC = "logic"
    """In look-up tables, as constants: for a small layer, where another one needs all block RAM."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The weight rows of a layer, cut into words of ``lanes`` weights: one word per fold.

    Fold f of a row holds the weights of neurons f * lanes ... f * lanes + lanes - 1, the first in
    the lowest bits, each in ``weight_bits`` bits; the last fold is filled up with zeros. Row r is
    words r * folds ... r * folds + folds - 1, so a memory of ``fan_in * folds`` words has no gaps.

    :param exchangeable: the words will be found in a bitstream by what they are, so that others
        take their place.
    """

    layer: sim.network.Layer
    lanes: int
    exchangeable: bool = False

    @property
    def folds(self) -> int:
        """Words in a row: passes over the lanes per event and per tick."""
        return -(-self.layer.fan_out // self.lanes)

    @property
    def depth(self) -> int:
        """Words of the layer."""
        return self.layer.fan_in * self.folds

    @property
    def word_bytes(self) -> int:
        """Bytes that a word takes on the link."""
        return -(-self.word.size // 8)

    @property
    def word(self) -> data.ArrayLayout:
        """Layout of a word."""
        return data.ArrayLayout(signed(self.layer.weight_bits), self.lanes)

    def part(self, first: int, count: int) -> "Rows":
        """Return ``count`` lanes from ``first`` on, their slice of every word, as the rows of a
        smaller layer.
        """
        slices = self._padded().reshape(self.layer.fan_in, self.folds, self.lanes)[
            :, :, first : first + count
        ]
        return Rows(self.layer.with_weight(slices.reshape(self.layer.fan_in, -1)), count)

    def memory(self) -> list[int]:
        """Return the content of the layer's memory: :meth:`pack`, and random words behind it if
        exchangeable.

        They fill up what would be zero in the last block RAM, where bits are found by their column:
        256 rows or more.
        """
        words = self.pack()
        room = min(1 << bits_for(len(words) - 1), -(-len(words) // _GRAIN) * _GRAIN)
        return (
            words + random_words(self.word.size, room - len(words)) if self.exchangeable else words
        )

    def pieces(self) -> list[list[int]]:
        """Return :meth:`memory` in pieces of ``PIECE`` words, the last one shorter."""
        words = self.memory()
        return [words[first : first + PIECE] for first in range(0, len(words), PIECE)]

    def pack(self) -> list[int]:
        """Return every word of the layer, ``fan_in * folds`` of them, as unsigned integers."""
        weights = self._padded().view(np.uint8)[:, :, np.newaxis]
        bits = np.unpackbits(weights, axis=2, bitorder="little")[:, :, : self.layer.weight_bits]
        words = np.packbits(bits.reshape(self.depth, -1), axis=1, bitorder="little")
        return [int.from_bytes(word.tobytes(), "little") for word in words]

    def _padded(self) -> npt.NDArray[np.int8]:
        """Return the weights, int8 (fan_in, folds * lanes), the last fold filled up with zeros."""
        return np.pad(
            self.layer.weight, ((0, 0), (0, self.folds * self.lanes - self.layer.fan_out))
        )

    def unpack(self, words: Sequence[int]) -> npt.NDArray[np.int8]:
        """Return the weights, int8 (fan_in, fan_out), that lie in so many words; the inverse of
        :meth:`pack`.
        """
        bits, size = self.layer.weight_bits, self.word_bytes
        raw = np.frombuffer(
            b"".join(word.to_bytes(size, "little") for word in words), np.uint8
        ).reshape(-1, size)
        found = np.unpackbits(raw, axis=1, bitorder="little")[:, : self.word.size]
        unsigned = found.reshape(self.layer.fan_in, -1, bits) @ (1 << np.arange(bits))
        value = unsigned - ((unsigned >> (bits - 1)) << bits)
        return value[:, : self.layer.fan_out].astype(np.int8)


_GRAIN = 512
"""Depths of block RAMs are multiples of this, or of half of it."""

PIECE = 2048
"""Words in one memory, a power of two: as deep as a DP16KD is with all its bits in use (2048 x 9).
Yosys makes a deeper memory of blocks of 512 x 36: a multiplexer four times as large, on a full
ECP5-85F one that nextpnr cannot route.
"""


def random_words(bits: int, count: int) -> list[int]:
    """Return the same random numbers of so many bits at every call."""
    source = random.Random(bits)
    return [source.getrandbits(bits) for _ in range(count)]


def store_members(rows: Rows) -> dict[str, wiring.Member]:
    """Return the ports of a store of weight rows.

    ``i``: the rows asked for. ``o``: their words, in order; the layer takes each at once. ``idle``:
    no row is on its way.
    """
    return {
        "i": In(stream.Signature(bits_for(rows.layer.fan_in - 1))),
        "o": Out(stream.Signature(rows.word, always_ready=True)),
        "idle": Out(1),
    }


class WordPort(wiring.Signature):
    """How a host reaches the words of a store, one per cycle, while no image runs; from the host's
    side.

    ``write`` puts ``data`` at ``address``; ``read`` asks for the word there, which is ``word`` in
    the following cycle.
    """

    def __init__(self, rows: Rows):
        super().__init__(
            {
                "address": Out(bits_for(rows.depth - 1)),
                "read": Out(1),
                "write": Out(1),
                "data": Out(rows.word.size),
                "word": In(rows.word.size),
            }
        )


class BlockWords(wiring.Component):
    """The words of a layer, initialised with the bitstream: ``word`` is that of the last
    ``address``.

    :param style: kind of memory, in yosys' words; they lie in block RAM if it is not given.
    """

    address: Signal
    word: data.View

    def __init__(self, rows: Rows, style: str | None = None):
        self.rows = rows
        self.attributes = {} if style is None else {"ram_style": style}
        super().__init__({"address": In(bits_for(rows.depth - 1)), "word": Out(rows.word)})

    def elaborate(self, platform: object) -> Module:
        """Build: one memory for each piece, and a multiplexer of their words."""
        m = Module()
        size, offset_bits, found = self.rows.word.size, bits_for(PIECE - 1), list[Value]()
        for place, words in enumerate(self.rows.pieces()):
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
