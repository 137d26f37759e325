"""Other weights in a routed design: memories are found by their placeholders' bits, and replaced
bit by bit.

A design whose weights may be exchanged is placed and routed with random ones, the same for every
network of its structure, so that its tools need not run again. In the routed design each block RAM
holds, bit column by bit column, a part of a placeholder: 256 or more random bits, which occur
nowhere else.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hw.boards.digest import digest_memory
from hw.fpga.family import Bits, BlockFormat, Indices
from hw.parameters import MachineParameters
from hw.rows import LOGIC
from sim.errors import InputError
from sim.files import AnyPath
from sim.network import Layer

SEED = 1
"""Of the placeholders."""


class Content(NamedTuple):
    """What a memory holds.

    :param bits: of a word.
    :param words: from address 0 on.
    """

    bits: int
    words: list[int]

    def columns(self, rows: int) -> list[bytes]:
        """Return every column of every block RAM of that many rows, lowest bit and first row first,
        packed into bytes.
        """
        # whole block RAMs; yosys fills the last one up with zeros
        depth = -(-len(self.words) // rows) * rows
        raw = b"".join(word.to_bytes(-(-self.bits // 8), "little") for word in self.words)
        table = np.unpackbits(
            np.frombuffer(raw, np.uint8).reshape(len(self.words), -1), axis=1, bitorder="little"
        )

        padded = np.zeros((depth, self.bits), np.uint8)
        padded[: len(self.words)] = table[:, : self.bits]
        blocks = padded.reshape(-1, rows, self.bits).transpose(0, 2, 1).reshape(-1, rows)
        return [column.tobytes() for column in np.packbits(blocks, axis=1)]


def structure(
    machine: MachineParameters, board: str, baud: int
) -> dict[str, str | int | list[str]]:
    """Return all that a design depends on apart from the weights, as JSON: what must be equal for
    weights to be exchanged.
    """
    return {
        "board": board,
        "network structure": f"{machine.network.structure_digest:08x}",
        "lanes": int(machine.lanes),
        "placement": [layer.placement.kind for layer in machine.layers],
        "state in block RAM": [f"{layer}.{name}" for layer, name in sorted(machine.state_in_block)],
        "baud": baud,
    }


def check_structure(before: dict[str, Any], now: dict[str, Any], where: AnyPath) -> None:
    """Compare the structure of what is routed with that of what is to take its place.

    :raises InputError: they differ; it names the first difference.
    """
    where = Path(where)
    for name, value in now.items():
        if before.get(name) != value:
            raise InputError(
                f"--reuse: what is routed in {where} differs in {name} "
                f"({before.get(name)} there, {value} here); "
                "give another --out, or build without --reuse."
            )


def placeholder(machine: MachineParameters) -> MachineParameters:
    """Return the same machine with random weights that others can replace.

    :raises InputError: it learns: then its weights are loaded over the link.
    """
    if machine.rule is not None:
        raise InputError(
            "--reuse: a board that learns takes other weights over its link; build without --reuse."
        )
    if LOGIC in machine.placement:
        layer = machine.placement.index(LOGIC)
        why = "it is a pool" if not machine.network.layers[layer].stored else "block RAM is full"
        raise InputError(
            f"--reuse: {why}, layer {layer} is stored in logic; build without --reuse."
        )
    for index, layer in enumerate(machine.layers):
        if layer.has_own_rows:
            raise InputError(
                f"--reuse: layer {index} has recurrent rows or a bias, for which widths are proved "
                "as they are; build without --reuse."
            )

    rng, layers = np.random.default_rng(SEED), list[Layer]()
    for layer in machine.network.layers:
        form = layer.form
        weight = rng.integers(form.low, form.high + 1, layer.weight.shape).astype(np.int8)
        if form.signs:
            weight = np.where(weight < 0, -1, 1).astype(np.int8)
        layers.append(layer.with_weight(weight))

    classes = tuple(str(index) for index in range(len(machine.network.classes)))
    network = replace(machine.network, layers=tuple(layers), classes=classes, provenance={})
    return replace(machine, network=network, exchangeable=True)


def contents(machine: MachineParameters) -> list[Content]:
    """Return what the memories of an exchangeable machine hold: weights in block RAM, and the
    digest.
    """
    weights = [layer.rows for layer in machine.layers if layer.placement.in_block_ram]
    found = [Content(rows.word.size, words) for rows in weights for words in rows.pieces()]
    return [*found, Content(8, digest_memory(machine.network.digest))]


class _Columns:
    """The columns of all memories for one depth of block RAM, and which of them were found.

    ``missing``: per memory, the columns that are still to be found. ``other``: for each column, its
    memory and the column that takes its place.
    """

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

    def replace(self, bits: Bits, indices: Indices) -> bool:
        """Replace the columns of a block RAM if it is one of ours: every column with a bit set is
        known. Return whether it is.
        """
        columns = [column.tobytes() for column in np.packbits(bits[indices], axis=0).T]
        ours = [number for number, column in enumerate(columns) if any(column)]
        if not ours or any(columns[number] not in self.other for number in ours):
            return False

        for number in ours:
            index, instead = self.other[columns[number]]
            self.missing[index] -= Counter([columns[number]])
            column = np.unpackbits(np.frombuffer(instead, np.uint8))
            bits[indices[:, number]] = column[: len(indices)]
        return True


def exchange(
    text: str, block_format: BlockFormat, old: Sequence[Content], new: Sequence[Content]
) -> str:
    """Return a routed design, as nextpnr writes it, with each content of ``old`` replaced by the
    one of ``new``.

    :raises InputError: one of them is not there, or only in part.
    """
    widths = block_format.widths
    depths = [_Columns(old, new, len(indices)) for indices in widths]

    def block(match: re.Match[str]) -> str:
        bits = block_format.read(match["content"])
        # the width of its words is not in the text, so each is tried
        known = any(
            columns.replace(bits, indices) for columns, indices in zip(depths, widths, strict=True)
        )
        return match["head"] + block_format.write(bits) if known else match[0]

    changed = block_format.pattern.sub(block, text)
    for index in range(len(old)):
        if not any(_all_zero(columns.missing[index]) for columns in depths):
            raise InputError(
                f"--reuse: memory {index} is not found in the routed design; build without --reuse."
            )
    return changed


def _all_zero(columns: Counter[bytes]) -> bool:
    return not any(any(column) for column in columns)
