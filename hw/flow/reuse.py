"""Other weights in a routed bitstream: memories are found by their placeholders' bits, and replaced
bit by bit.

A design whose weights may be exchanged is placed and routed with random ones, the same for every
network of its structure, so that its tools need not run again. In the routed design each block RAM
holds, bit column by bit column, a part of a placeholder: 256 or more random bits, which occur
nowhere else.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hw.boards.digest import digest_memory
from hw.machine.pipeline import Parameters
from hw.storage.block import Storage
from sim.errors import InputError
from sim.fixed_point import WeightFormat
from sim.network import Layer, Network

SEED = 1
"""Of the placeholders."""

_SHORT = 60
"""Longer values are not quoted."""

Bits = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


class Content(NamedTuple):
    """What a memory holds: words of so many bits."""

    bits: int
    words: list[int]

    def columns(self, rows: int) -> list[bytes]:
        """Return every column of every block that is so many rows deep, lowest bit and first row
        first.
        """
        depth = -(-len(self.words) // rows) * rows
        raw = b"".join(word.to_bytes(-(-self.bits // 8), "little") for word in self.words)
        table = np.unpackbits(
            np.frombuffer(raw, np.uint8).reshape(len(self.words), -1), axis=1, bitorder="little"
        )
        padded = np.zeros((depth, self.bits), np.uint8)
        padded[: len(self.words)] = table[:, : self.bits]
        blocks = padded.reshape(-1, rows, self.bits).transpose(0, 2, 1).reshape(-1, rows)
        return [column.tobytes() for column in np.packbits(blocks, axis=1)]


def structure(network: Network) -> dict[str, Any]:
    """Return all that a network is apart from its weights, in JSON: what must be equal for weights
    to be exchanged.
    """
    encoder = network.encoder
    return {
        "image shape": list(encoder.image_shape),
        "pool": encoder.pool,
        "pixels": encoder.pixels.tolist(),
        "ticks of the intensities": encoder.spike_tick.tolist(),
        "ticks per unit": network.ticks_per_unit,
        "last tick": network.last_tick,
        "layers": [list(layer.weight.shape) for layer in network.layers],
        "weight bits": [layer.weight_bits for layer in network.layers],
        "thresholds": [layer.threshold for layer in network.layers],
    }


def check_structure(before: dict[str, Any], now: dict[str, Any], where: Path) -> None:
    """Compare the structure of what is routed with that of what is to take its place.

    :raises InputError: they differ; it names the first difference.
    """
    for name, value in now.items():
        if before.get(name) != value:
            values = (
                f" ({before.get(name)} there, {value} here)" if len(str(value)) < _SHORT else ""
            )
            raise InputError(
                f"--reuse: what is routed in {where} has another structure: {name}{values}; "
                "give another --out, or build without --reuse."
            )


def placeholder(pipeline: Parameters) -> Parameters:
    """Return the same machine with random weights that others can replace.

    :raises InputError: it learns: then its weights are loaded over the link.
    """
    if pipeline.rule is not None:
        raise InputError(
            "--reuse: a board that learns takes other weights over its link; build without --reuse."
        )
    if pipeline.logic is not None:
        raise InputError(
            f"--reuse: block RAM is full, layer {pipeline.logic} lies in logic; build without --reuse."
        )
    rng, layers = np.random.default_rng(SEED), list[Layer]()
    for layer in pipeline.network.layers:
        form = WeightFormat(layer.weight_bits)
        weight = rng.integers(form.low, form.high + 1, layer.weight.shape).astype(np.int8)
        layers.append(layer.with_weight(weight))
    classes = tuple(str(index) for index in range(len(pipeline.network.classes)))
    network = replace(pipeline.network, layers=tuple(layers), classes=classes, provenance={})
    return replace(pipeline, network=network, exchangeable=True)


def contents(pipeline: Parameters) -> list[Content]:
    """Return what the memories of an exchangeable machine hold: weights in block RAM, and the
    digest.
    """
    weights = [layer.rows for layer in pipeline.layers if layer.storage is Storage.BLOCK]
    found = [Content(rows.word.size, words) for rows in weights for words in rows.pieces()]
    return [*found, Content(8, digest_memory(pipeline.network.digest))]


class _Family(NamedTuple):
    """How nextpnr writes block RAM: ``pattern`` finds one, with its ``head`` and ``content``.

    ``modes``: (rows, columns) places of the bits, for each width that a block may have.
    """

    pattern: re.Pattern[str]
    modes: list[Places]
    read: Callable[[str], Bits]
    write: Callable[[Bits], str]


def _read_ice40(text: str) -> Bits:
    """Bits of 16 lines of 256, highest first; bit b of row r is bit 16 r + b."""
    raw = b"".join(int(line, 16).to_bytes(32, "little") for line in text.split())
    return np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little").astype(np.bool_)


def _write_ice40(bits: Bits) -> str:
    lines = np.packbits(bits, bitorder="little").reshape(16, 32)
    return "".join(f"{int.from_bytes(line.tobytes(), 'little'):064x}\n" for line in lines)


def _read_ecp5(text: str) -> Bits:
    """Bits of 2048 entries of 9."""
    entries = np.array([int(entry, 16) for entry in text.split()], np.uint16)
    return (entries[:, np.newaxis] >> np.arange(9) & 1).astype(np.bool_).ravel()


def _write_ecp5(bits: Bits) -> str:
    entries = bits.reshape(-1, 9) @ (1 << np.arange(9))
    lines = entries.reshape(-1, 8).tolist()
    return "".join(" ".join(f"{entry:03x}" for entry in line) + "\n" for line in lines)


def _ecp5_mode(width: int) -> Places:
    """Places in a DP16KD that is so wide: narrow words share an entry's lower 8 bits, wide ones
    take several.
    """
    if width >= 9:
        return np.arange(2048 * 9).reshape(-1, width)
    per_entry = 8 // width
    row, column = np.mgrid[: 2048 * per_entry, :width]
    return row // per_entry * 9 + row % per_entry * width + column


def _ice40_mode(width: int) -> Places:
    """Places in an SB_RAM40_4K that is so wide: words follow each other; yosys reverses the 4 bits
    of a column.
    """
    row, column = np.divmod(np.arange(4096).reshape(-1, width), 16)
    reverse = np.array([int(f"{place:04b}"[::-1], 2) for place in range(16)])
    return row * 16 + reverse[column]


_ICE40 = _Family(
    re.compile(r"(?P<head>\.ram_data [^\n]*\n)(?P<content>(?:[0-9a-f]{64}\n){16})"),
    [_ice40_mode(width) for width in (2, 4, 8, 16)],
    _read_ice40,
    _write_ice40,
)
_ECP5 = _Family(
    re.compile(r"(?P<head>\.bram_init \d+\n)(?P<content>(?:[0-9a-f ]+\n)+)"),
    [_ecp5_mode(width) for width in (1, 2, 4, 9, 18, 36)],
    _read_ecp5,
    _write_ecp5,
)


class _Columns:
    """The columns of all memories for one depth of block RAM, and which of them were found."""

    def __init__(self, old: Sequence[Content], new: Sequence[Content], rows: int):
        self.missing = [Counter(content.columns(rows)) for content in old]
        self.other: dict[bytes, tuple[int, bytes]] = {}
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            pairs = zip(before.columns(rows), after.columns(rows), strict=True)
            for column, instead in pairs:
                if column in self.other:
                    raise InputError(
                        f"--reuse: memory {index} is too small to be found in a bitstream again."
                    )
                if any(column):
                    self.other[column] = (index, instead)

    def replace(self, bits: Bits, places: Places) -> bool:
        """Replace a block's columns in place if it is one of ours: every column with a bit set is
        known.
        """
        columns = [column.tobytes() for column in np.packbits(bits[places], axis=0).T]
        ours = [number for number, column in enumerate(columns) if any(column)]
        if not ours or any(columns[number] not in self.other for number in ours):
            return False
        for number in ours:
            index, instead = self.other[columns[number]]
            self.missing[index] -= Counter([columns[number]])
            bits[places[:, number]] = np.unpackbits(np.frombuffer(instead, np.uint8))[: len(places)]
        return True


def exchange(text: str, family: str, old: Sequence[Content], new: Sequence[Content]) -> str:
    """Return a routed design, as nextpnr writes it, with each content of ``old`` replaced by the
    one of ``new``.

    :raises InputError: one of them is not there, or only in part.
    """
    form = _ICE40 if family == "ice40" else _ECP5
    depths = [_Columns(old, new, len(places)) for places in form.modes]

    def block(match: re.Match[str]) -> str:
        bits = form.read(match["content"])
        known = any(
            columns.replace(bits, places)
            for columns, places in zip(depths, form.modes, strict=True)
        )
        return match["head"] + form.write(bits) if known else match[0]

    changed = form.pattern.sub(block, text)
    for index in range(len(old)):
        if not any(_all_zero(columns.missing[index]) for columns in depths):
            raise InputError(
                f"--reuse: memory {index} is not found in the routed design; build without --reuse."
            )
    return changed


def _all_zero(columns: Counter[bytes]) -> bool:
    return not any(any(column) for column in columns)
