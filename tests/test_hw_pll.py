"""Clocks: no dividers are nearer, from below, than the vendor tools' own."""

import re
import subprocess

import pytest

from hw.boards.table import find_board
from hw.flow.clock import choose_dividers
from hw.verilog import find_tool
from sim.errors import InputError


@pytest.mark.parametrize("wanted_mhz", [20, 33, 48, 60, 77])
@pytest.mark.parametrize("name", ["ulx3s-85f", "icepi-zero", "icebreaker", "hx8k-breakout"])
def test_pll_is_as_near_as_the_vendor_tool_from_below(name, wanted_mhz):
    board = find_board(name)
    dividers = choose_dividers(board, wanted_mhz * 1e6)
    ecp5 = board.device.family == "ecp5"
    command = [
        find_tool("ecppll" if ecp5 else "icepll"),
        "-i",
        f"{board.oscillator_hz / 1e6:g}",
        "-o",
        str(wanted_mhz),
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pattern = (
        r"clkout0 frequency: ([\d.]+) MHz" if ecp5 else r"F_PLLOUT:\s+([\d.]+) MHz \(achieved\)"
    )
    theirs_hz = float(re.search(pattern, text).group(1)) * 1e6
    assert dividers.output_hz <= wanted_mhz * 1e6 * (1 + 1e-9)
    if theirs_hz <= wanted_mhz * 1e6:
        assert dividers.output_hz >= theirs_hz * (1 - 1e-6)


def test_clock_that_no_pll_makes_is_refused():
    with pytest.raises(InputError, match=r"16\.12 MHz or more"):
        choose_dividers(find_board("hx8k-breakout"), 2e6)


def test_oscillators_own_frequency_needs_no_pll():
    assert choose_dividers(find_board("icebreaker"), 12e6) is None
