"""How much logic a design takes, from its cells before they become look-up tables: what the packer
will count, to within a few per cent (the errors are in ``docs/boards.md``).
"""

import re
from collections import Counter
from collections.abc import Mapping

from hw.fpga.family import Family

_CELL = re.compile(r"(\$[a-z_]+?)((?:_\d+)+)")
"""A cell with its widths, as yosys counts it: ``$alu_20`` is an adder of 20 bits, ``$pmux_16_7``
chooses one of seven words of 16 bits.
"""

ADDERS, MULTIPLEXERS, CONDITIONS, FLIP_FLOPS = "adders", "multiplexers", "conditions", "flip-flops"
"""What logic is made of, in bits."""

KINDS = {
    "$alu": ADDERS,
    "$mux": MULTIPLEXERS,
    **dict.fromkeys(("$eq", "$ne", "$logic_not", "$logic_and", "$logic_or"), CONDITIONS),
    **{f"$reduce_{name}": CONDITIONS for name in ("and", "or", "xor", "xnor", "bool")},
    **{
        f"${name}": FLIP_FLOPS
        for name in ("dff", "dffe", "sdff", "sdffe", "sdffce", "adff", "adffe")
    },
}
"""Cells of which each bit counts as one."""


def bits(cells: Mapping[str, int]) -> Counter[str]:
    """Return how many bits there are of adders, multiplexers, conditions and flip-flops.

    :param cells: how often each occurs, as ``stat -width`` of yosys names them.
    """
    found = Counter[str]()
    for cell, count in cells.items():
        match = _CELL.fullmatch(cell)
        if match is None:
            continue
        kind, widths = match[1], [int(width) for width in match[2][1:].split("_")]
        if kind == "$pmux":  # of as many words as the second width says
            found[MULTIPLEXERS] += count * widths[0] * widths[1]
        elif kind == "$bmux":  # of as many words as its address can say
            found[MULTIPLEXERS] += count * widths[0] * ((1 << widths[1]) - 1)
        elif kind in KINDS:
            found[KINDS[kind]] += count * widths[0]
    return found


def logic(cells: Mapping[str, int], family: Family, memory_bits: int = 0) -> int:
    """Return about how many logic cells (iCE40) or look-up tables (ECP5) the packer will count.

    :param cells: how often each occurs, as ``stat -width`` of yosys names them, before technology
        mapping.
    :param memory_bits: of the flip-flops, those of memories, see
        :func:`hw.flow.placement.bits_in_logic`.
    """
    found, cost = bits(cells), family.logic_cost
    small_memories = family.lut_ram_luts * cells.get(family.lut_ram_cell, 0)
    return round(
        cost.adder * found[ADDERS]
        + cost.multiplexer * found[MULTIPLEXERS]
        + cost.condition * found[CONDITIONS]
        + cost.flip_flop * max(found[FLIP_FLOPS] - memory_bits, 0)
        + cost.memory * memory_bits
        + small_memories
    )
