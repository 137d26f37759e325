"""What is peculiar to ECP5: dividers as near, from below, as the vendor tool's; block RAM."""

import numpy as np
import pytest

from hw.fpga.ecp5 import ECP5
from vendor_pll import check_pll

FORMAT = ECP5.block_format


@pytest.mark.parametrize("wanted_mhz", [20, 33, 48, 60, 77])
@pytest.mark.parametrize("name", ["ulx3s-85f", "icepi-zero"])
def test_pll_is_as_near_as_the_vendor_tool_from_below(name, wanted_mhz):
    check_pll(name, wanted_mhz, "ecppll", r"clkout0 frequency: ([\d.]+) MHz")


def test_block_ram_is_written_as_it_was_read():
    rng = np.random.default_rng(1)
    lines = [
        " ".join(f"{entry:03x}" for entry in line)
        for line in rng.integers(0, 512, (256, 8)).tolist()
    ]
    text = ".bram_init 7\n" + "".join(f"{line}\n" for line in lines)
    found = FORMAT.pattern.fullmatch(text)
    assert found["head"] + FORMAT.write(FORMAT.read(found["content"])) == text


def test_words_of_less_than_nine_bits_leave_the_ninth_alone():
    """Words of 9 bits and more use every bit of a block RAM once; narrower ones eight of nine."""
    for indices in FORMAT.widths:
        bits = np.unique(indices)
        assert bits.size == indices.size == (18432 if indices.shape[1] >= 9 else 16384)
        assert (indices.shape[1] >= 9) == (8 in bits)
