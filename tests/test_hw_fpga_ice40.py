"""What is peculiar to iCE40: dividers as near, from below, as the vendor tool's; block RAM."""

import numpy as np
import pytest

from hw.fpga.ice40 import ICE40
from vendor_pll import check_pll

FORMAT = ICE40.block_format


@pytest.mark.parametrize("wanted_mhz", [20, 33, 48, 60, 77])
@pytest.mark.parametrize("name", ["icebreaker", "hx8k-breakout"])
def test_pll_is_as_near_as_the_vendor_tool_from_below(name, wanted_mhz):
    check_pll(name, wanted_mhz, "icepll", r"F_PLLOUT:\s+([\d.]+) MHz \(achieved\)")


def test_block_ram_is_written_as_it_was_read():
    rng = np.random.default_rng(1)
    lines = "".join(f"{rng.bytes(32).hex()}\n" for _ in range(16))
    found = FORMAT.pattern.fullmatch(f".ram_data 8 9\n{lines}")
    assert FORMAT.write(FORMAT.read(found["content"])) == lines


def test_words_of_every_width_use_each_bit_once():
    for indices in FORMAT.widths:
        assert np.array_equal(np.sort(indices, axis=None), np.arange(4096))
