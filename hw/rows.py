"""The weight rows of a layer as words of a memory, and how stores of them are asked: stated once.

A store is any component with the members of :func:`store_members`. Where its rows are stored (block
RAM, SPRAM, flash, a memory that learning writes to) is its business, and so is its pace.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from amaranth.hdl import signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

import sim.network


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
        return Rows(replace(self.layer, weight=slices.reshape(self.layer.fan_in, -1)), count)

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

    def pieces(self, size: int = 0) -> list[list[int]]:
        """Return :meth:`memory` in pieces of ``size`` words (0: ``PIECE``), the last one shorter."""
        words, size = self.memory(), size or PIECE
        return [words[first : first + size] for first in range(0, len(words), size)]

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


def word_ports(ports: Mapping[int, Rows]) -> wiring.Signature:
    """Return the ports of all layers that have one, from the host's side: ``layer_0``, ...

    :param ports: the rows of those layers, by the layer's index.
    """
    return wiring.Signature(
        {f"layer_{index}": Out(WordPort(rows)) for index, rows in ports.items()}
    )


def moves(lanes: int) -> data.ArrayLayout:
    """Return the layout of what happens to the weights of a word: -1, 0 or +1 each."""
    return data.ArrayLayout(signed(2), lanes)
