"""Logic counted from cells with their widths; how well that holds is in ``docs/boards.md``."""

from hw.flow.estimate import ADDERS, CONDITIONS, FLIP_FLOPS, MULTIPLEXERS, bits, logic
from hw.fpga.ecp5 import ECP5
from hw.fpga.ice40 import ICE40


def test_cells_are_counted_with_their_widths():
    cells = {
        "$alu_20": 3,
        "$mux_8": 2,
        "$pmux_16_7": 1,
        "$bmux_8_2": 1,
        "$eq_5": 2,
        "$logic_not_4": 1,
        "$reduce_or_3": 2,
        "$dff_4": 1,
        "$sdffce_3": 2,
        "$xor_1": 99,
        "$memrd_v2": 1,
        "SB_RAM40_4K": 7,
        "$scopeinfo": 3,
        "top.top": 1,
    }
    assert bits(cells) == {
        ADDERS: 60,
        MULTIPLEXERS: 16 + 16 * 7 + 8 * 3,
        CONDITIONS: 10 + 4 + 6,
        FLIP_FLOPS: 10,
    }


def test_logic_is_what_the_bits_of_the_family_take():
    cells = {"$alu_100": 1, "$mux_1000": 1, "$eq_10": 1, "$dff_200": 1, "TRELLIS_DPR16X4": 5}
    for family in (ICE40, ECP5):
        cost = family.logic_cost
        wanted = 100 * cost.adder + 1000 * cost.multiplexer + 10 * cost.condition
        wanted += 200 * cost.flip_flop + (30 if family is ECP5 else 0)
        assert logic(cells, family) == round(wanted)
        kept = logic(cells, family, 150) - logic(cells, family)
        assert abs(kept - 150 * (cost.memory - cost.flip_flop)) <= 1
