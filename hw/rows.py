"""The weight rows of a layer: how they are cut into words, where they are stored, how a store is
asked for them.

A store is any component with the members of :func:`store_members`. Which memory it uses, and at
which pace it answers, is its own business; :mod:`hw.storage` has one file for each kind.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from amaranth.hdl import signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

import sim.network

PIECE = 2048
"""Words in one memory, a power of two: as deep as a DP16KD is with all its bits in use (2048 x 9).
Yosys makes a deeper memory of blocks of 512 x 36: a multiplexer four times as large, on a full
ECP5-85F one that nextpnr cannot route.
"""

_GRAIN = 512
"""Depths of block RAMs are multiples of this, or of half of it."""

NOTHING = wiring.Signature({})
"""The port of a part that has nothing to exchange there; it is connected like any other."""


@dataclass(frozen=True)
class Placement:
    """Where the weight rows of one layer are stored.

    :param kind: ``block``, ``spram``, ``logic`` or ``flash``: a row of :data:`hw.storage.STORES`.
    :param wires: data wires of the flash, 1, 2 or 4; 0 for the other kinds.
    """

    kind: str
    wires: int = 0

    @property
    def in_block_ram(self) -> bool:
        """Whether the rows take block RAM, which the bitstream fills."""
        return self.kind == BLOCK.kind

    @property
    def in_flash(self) -> bool:
        """Whether the rows are in the board's SPI flash."""
        return self.kind == FLASH

    @property
    def loaded(self) -> bool:
        """Whether a host must bring the words after each start."""
        return self.kind == SPRAM.kind


FLASH = "flash"
"""Kind of the placements that :func:`flash` makes."""

BLOCK = Placement("block")
"""In block RAM, which the bitstream fills."""

SPRAM = Placement("spram")
"""In the single-port RAM of iCE40 UltraPlus, which a host fills."""

LOGIC = Placement("logic")
"""In look-up tables, as constants: for a small layer, where another one needs all block RAM."""


def flash(wires: int = 4) -> Placement:
    """Return the placement in the board's SPI flash, behind the bitstream: slow, for a layer that
    fits nowhere else.

    :param wires: of data, 1, 2 or 4.
    """
    return Placement(FLASH, wires)


@dataclass(frozen=True, eq=False)
class Rows:
    """The weight rows of a layer, cut into words of ``lanes`` weights: one word per fold.

    Fold f of a row has the weights of neurons f * lanes ... f * lanes + lanes - 1, the first in the
    lowest bits, each in ``weight_bits`` bits; the last fold is padded with zeros. Row r is words
    r * folds ... r * folds + folds - 1, so a memory of ``fan_in * folds`` words has no gaps.

    :param layer: whose weights they are.
    :param lanes: weights in a word.
    :param exchangeable: the words will be found in a bitstream by their content, so that others
        can replace them.
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
        # A fold is whole words, so lanes are the last axis.
        words = self._padded().reshape(self.layer.fan_in, self.folds, self.lanes)
        slices = words[:, :, first : first + count].reshape(self.layer.fan_in, -1)
        return Rows(self.layer.with_weight(slices), count)

    def memory(self) -> list[int]:
        """Return the content of the layer's memory: :meth:`pack`, followed by random words if it is
        exchangeable.

        These replace the zeros at the end of the last block RAM, whose bits are found column by
        column: 256 rows or more.
        """
        words = self.pack()
        if not self.exchangeable:
            return words

        # As deep as whole block RAMs, or, below one, as a power of two.
        room = min(1 << bits_for(len(words) - 1), -(-len(words) // _GRAIN) * _GRAIN)
        return words + random_words(self.word.size, room - len(words))

    def pieces(self, size: int = PIECE) -> list[list[int]]:
        """Return :meth:`memory` in pieces of ``size`` words, the last one shorter."""
        words = self.memory()
        return [words[first : first + size] for first in range(0, len(words), size)]

    def pack(self) -> list[int]:
        """Return every word of the layer, ``fan_in * folds`` of them, as unsigned integers."""
        # One byte per weight; of its bits the lowest ones stay.
        weights = self._padded().view(np.uint8)[:, :, np.newaxis]
        bits = np.unpackbits(weights, axis=2, bitorder="little")[:, :, : self.layer.weight_bits]

        words = np.packbits(bits.reshape(self.depth, -1), axis=1, bitorder="little")
        return [int.from_bytes(word.tobytes(), "little") for word in words]

    def _padded(self) -> npt.NDArray[np.int8]:
        """Return the weights, int8 (fan_in, folds * lanes), the last fold padded with zeros."""
        padding = self.folds * self.lanes - self.layer.fan_out
        return np.pad(self.layer.weight, ((0, 0), (0, padding)))

    def unpack(self, words: Sequence[int]) -> npt.NDArray[np.int8]:
        """Return the weights, int8 (fan_in, fan_out), that these words hold; the inverse of
        :meth:`pack`.
        """
        bits, size = self.layer.weight_bits, self.word_bytes
        raw = b"".join(word.to_bytes(size, "little") for word in words)
        table = np.frombuffer(raw, np.uint8).reshape(-1, size)

        # The bits of a weight are a row of the matrix product; two's complement by hand.
        found = np.unpackbits(table, axis=1, bitorder="little")[:, : self.word.size]
        unsigned = found.reshape(self.layer.fan_in, -1, bits) @ (1 << np.arange(bits))
        value = unsigned - ((unsigned >> (bits - 1)) << bits)
        return value[:, : self.layer.fan_out].astype(np.int8)


def random_words(bits: int, count: int) -> list[int]:
    """Return ``count`` random numbers of ``bits`` bits, the same ones at every call."""
    source = random.Random(bits)
    return [source.getrandbits(bits) for _ in range(count)]


def moves(lanes: int) -> data.ArrayLayout:
    """Return the layout of what learning does to the weights of a word: -1, 0 or +1 each."""
    return data.ArrayLayout(signed(2), lanes)


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


def word_ports(ports: Mapping[int, Rows]) -> wiring.Signature:
    """Return the ports of all layers that have one, from the host's side: ``layer_0``, ...

    :param ports: the rows of those layers, by the layer's index.
    """
    return wiring.Signature(
        {f"layer_{index}": Out(WordPort(rows)) for index, rows in ports.items()}
    )


def store_members(
    rows: Rows, words: wiring.Signature = NOTHING, flash: wiring.Signature = NOTHING
) -> dict[str, wiring.Member]:
    """Return the ports of a store of weight rows.

    ``i``: the rows asked for. ``o``: their words, in order; the layer takes each at once. ``idle``:
    no row is on its way. ``words`` and ``flash``: for a host and for the board's pins.

    :param words: a :class:`WordPort`, if a host can read and write the words.
    :param flash: a :class:`hw.storage.flash.FlashPort`, if the rows are in flash.
    """
    return {
        "i": In(stream.Signature(bits_for(rows.layer.fan_in - 1))),
        "o": Out(stream.Signature(rows.word, always_ready=True)),
        "idle": Out(1),
        "words": In(words),
        "flash": Out(flash),
    }
