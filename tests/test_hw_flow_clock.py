"""The machine's clock: when a PLL is needed, and what it cannot make."""

import pytest

from hw.boards.table import find_board
from hw.flow.clock import choose_dividers
from sim.errors import InputError


def test_clock_that_no_pll_makes_is_refused():
    with pytest.raises(InputError, match=r"16\.12 MHz or more"):
        choose_dividers(find_board("hx8k-breakout"), 2e6)


def test_oscillators_own_frequency_needs_no_pll():
    assert choose_dividers(find_board("icebreaker"), 12e6) is None


def test_bare_device_has_no_pll():
    assert choose_dividers(find_board("none-up5k"), 30e6) is None
