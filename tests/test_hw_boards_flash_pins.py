"""The pins of a board's flash: there if weights are, each in its place."""

import re

import pytest

from hw.boards.table import BOARDS, find_board
from hw.boards.top import BoardTop
from hw.flow.settings import BuildSettings
from hw.parameters import MachineParameters
from hw.rows import BLOCK, flash
from hw.verilog import to_rtlil
from random_networks import random_network


def gateware(name, placement=()):
    board = find_board(name)
    machine = MachineParameters(random_network(3), 1, placement=placement)
    wanted = BuildSettings(machine, board, board.clock_hz)
    outermost = BoardTop(wanted.top(board.clock_hz), None, wanted.flash)
    text = to_rtlil(outermost, board.device)
    module = text.partition("attribute \\top 1")[2].partition("\nend")[0]
    return set(re.findall(r"(?:input|output|inout) \d+ +\\(\w+)", module)), text


@pytest.mark.parametrize("name", [board.name for board in BOARDS.values() if board.flash])
def test_pins_of_the_flash_are_there_if_weights_are(name):
    """Each has its place on the board; an ECP5 has no pin for the clock."""
    pins, text = gateware(name)
    assert pins == {"clk", "rx", "tx"}
    assert "flash" not in text
    placement = (flash(), *[BLOCK] * (len(random_network(3).layers) - 1))
    pins, text = gateware(name, placement)
    listed = find_board(name).pin_file.read_text().replace('"', "").split()
    assert pins == {
        name for name in listed if name in ("clk", "rx", "tx") or name.startswith("flash_")
    }
    assert ("flash_sck" in pins) != ("USRMCLK" in text)
