"""The weight rows of a layer: how they are cut into words, where they are stored, how a store is
asked for them.

A store is any component with the members of :func:`store_members`. Which memory it uses, and at
which pace it answers, is its own business; :mod:`hw.storage` has one file for each kind.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Const, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

import sim.network
from sim.connections.dense import Dense
from sim.neuron import Neuron

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
    r * folds ... r * folds + folds - 1, so a memory of all rows has no gaps. Behind the
    rows that inputs look up are the recurrent ones, one for each neuron, and the bias.

    A convolution has a row for each element of its kernel: the weights of all channels of a
    position, in ``folds_per_position`` words. Which of them an event looks up, and for which folds,
    :mod:`hw.connections.convolution` knows.

    :param layer: whose weights they are.
    :param lanes: weights in a word.
    :param exchangeable: the words will be found in a bitstream by their content, so that others
        can replace them.
    """

    layer: sim.network.Layer
    lanes: int
    exchangeable: bool = False

    @property
    def folds_per_position(self) -> int:
        """Words in a row: folds of one output position."""
        return -(-self.layer.connection.channels_out // self.lanes)

    @property
    def folds(self) -> int:
        """Passes over the lanes per tick, and per event of a dense layer."""
        return self.layer.connection.positions * self.folds_per_position

    @property
    def depth(self) -> int:
        """Words of the layer."""
        return len(self._matrix()) * self.folds_per_position

    @property
    def word_bytes(self) -> int:
        """Bytes that a word takes on the link."""
        return -(-self.word.size // 8)

    @property
    def word(self) -> data.ArrayLayout:
        """Layout of a word, as it is stored."""
        return data.ArrayLayout(signed(self.layer.weight_bits), self.lanes)

    def weight(self, word: data.View, lane: int) -> Value:
        """Return the weight of a lane as a number: of a stored sign, 0 is +1 and 1 is -1."""
        stored: Value = word[lane]
        return Cat(Const(1, 1), stored).as_signed() if self.layer.form.signs else stored

    def single_words(self) -> "Rows":
        """Return the same words as the rows of a dense layer of ``lanes`` neurons, so that a store
        is asked for one word at a time.
        """
        return self._of(self._padded().reshape(-1, self.lanes), self.lanes, self.exchangeable)

    def part(self, first: int, count: int) -> "Rows":
        """Return ``count`` lanes from ``first`` on, their slice of every word, as the rows of a
        smaller layer.
        """
        # A fold is whole words, so lanes are the last axis.
        words = self._padded().reshape(-1, self.folds_per_position, self.lanes)
        slices = words[:, :, first : first + count].reshape(len(words), -1)
        return self._of(slices, count)

    def _of(self, matrix: npt.NDArray[np.int8], lanes: int, exchangeable: bool = False) -> "Rows":
        """Return the rows of a dense layer of these weights and this format."""
        layer = replace(self.layer, connection=Dense(matrix), start=None, recurrent=None, bias=None)
        return Rows(layer, lanes, exchangeable)

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
        """Return every word of the layer, ``depth`` of them, as unsigned integers."""
        stored = self._padded()
        if self.layer.form.signs:
            stored = (stored < 0).astype(np.int8)

        # One byte per weight; of its bits the lowest ones stay.
        weights = stored.view(np.uint8)[:, :, np.newaxis]
        bits = np.unpackbits(weights, axis=2, bitorder="little")[:, :, : self.layer.weight_bits]

        words = np.packbits(bits.reshape(self.depth, -1), axis=1, bitorder="little")
        return [int.from_bytes(word.tobytes(), "little") for word in words]

    def _matrix(self) -> npt.NDArray[np.int8]:
        """Return the weights, int8 (rows, channels_out); of a dense layer with the recurrent rows
        and the bias behind them.
        """
        dense = isinstance(self.layer.connection, Dense)
        rows = self.layer.all_rows if dense else self.layer.weight
        return rows.reshape(-1, self.layer.connection.channels_out)

    def _padded(self) -> npt.NDArray[np.int8]:
        """Return the weights, int8 (rows, folds_per_position * lanes), the last fold padded with
        zeros.
        """
        padding = self.folds_per_position * self.lanes - self.layer.connection.channels_out
        return np.pad(self._matrix(), ((0, 0), (0, padding)))

    def unpack(self, words: Sequence[int]) -> npt.NDArray[np.int8]:
        """Return the weights, int8 of the layer's shape, that these words hold; the inverse of
        :meth:`pack` for a layer without rows of its own.
        """
        bits, size = self.layer.weight_bits, self.word_bytes
        raw = b"".join(word.to_bytes(size, "little") for word in words)
        table = np.frombuffer(raw, np.uint8).reshape(-1, size)

        # The bits of a weight are a row of the matrix product; two's complement by hand.
        found = np.unpackbits(table, axis=1, bitorder="little")[:, : self.word.size]
        unsigned = found.reshape(len(self._matrix()), -1, bits) @ (1 << np.arange(bits))
        value = unsigned - ((unsigned >> (bits - 1)) << bits)
        if self.layer.form.signs:
            value = 1 + 2 * value
        inside = value[:, : self.layer.connection.channels_out]
        return inside.astype(np.int8).reshape(self.layer.weight.shape)


def joined(layers: Mapping[int, Rows]) -> Rows:
    """Return the words of several layers, one layer after the other, as rows of bytes: words as
    wide as the widest, in whole bytes.
    """
    size = max(rows.word_bytes for rows in layers.values())
    raw = b"".join(
        word.to_bytes(size, "little") for rows in layers.values() for word in rows.pack()
    )
    matrix = np.frombuffer(raw, np.int8).reshape(-1, size)
    return Rows(sim.network.Layer(Dense(matrix), Neuron(1)), size)


def visit(rows: Rows) -> data.StructLayout:
    """Return the layout of one look-up of an event: the address of its ``word``, and the ``fold``
    that it is added to.
    """
    return data.StructLayout({"word": bits_for(rows.depth - 1), "fold": bits_for(rows.folds - 1)})


def visit_ports(rows: Rows) -> dict[str, wiring.Member]:
    """Return the ports of a connection, see :mod:`hw.connections`."""
    return {
        "i": In(stream.Signature(bits_for(rows.layer.rows - 1))),
        "o": Out(stream.Signature(visit(rows))),
        "idle": Out(1),
    }


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
        "i": In(stream.Signature(bits_for(rows.layer.rows - 1))),
        "o": Out(stream.Signature(rows.word, always_ready=True)),
        "idle": Out(1),
        "words": In(words),
        "flash": Out(flash),
    }
