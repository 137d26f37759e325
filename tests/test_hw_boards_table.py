"""Boards: pins and oscillators are those of a second source."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from hw.boards.table import BOARDS, CONSTRAINTS, find_board
from hw.fpga.ecp5 import ECP5
from hw.rows import Rows
from hw.storage.flash import row_cycles
from sim.connections.dense import Dense
from sim.errors import InputError
from sim.network import Layer
from sim.neuron import Neuron

TWINS = {
    "ulx3s-85f": ("ulx3s", "ULX3S_85F_Platform"),
    "ulx3s-45f": ("ulx3s", "ULX3S_45F_Platform"),
    "ulx3s-25f": ("ulx3s", "ULX3S_25F_Platform"),
    "icepi-zero": ("icepi_zero", "IcepiZero1_3Platform"),
    "icebreaker": ("icebreaker", "ICEBreakerPlatform"),
    "hx8k-breakout": ("ice40_hx8k_b_evn", "ICE40HX8KBEVNPlatform"),
}
"""Where amaranth-boards keeps the same board."""

WITH_PINS = [board for board in BOARDS.values() if board.pins]


def pins_of(board):
    """The pins in a board's file, by port."""
    text = board.pin_file.read_text()
    lpf = re.findall(r'LOCATE COMP "(\w+)" SITE "(\w+)"', text)
    return dict(lpf or re.findall(r"set_io (?:-nowarn )?(\w+) (\w+)", text))


def flash_of(platform, flash):
    """Where amaranth-boards has the flash; its clock is no pin of an ECP5."""
    names = {"cs": "cs_n", "clk": "sck", "wp": "wp_n", "hold": "hold_n"}
    resource = next(
        found
        for (name, _), found in platform.resources.items()
        if name in ("spi_flash", "spi_flash_1x")
    )
    pins = {
        f"flash_{names.get(io.name, io.name)}": io.ios[0].names[0]
        for io in resource.ios
        if hasattr(io, "ios")
    }
    return {name: pin for name, pin in pins.items() if flash.clock_pin or name != "flash_sck"}


@pytest.mark.parametrize("board", WITH_PINS, ids=lambda board: board.name)
def test_pins_and_oscillator_are_those_of_amaranth_boards(board):
    module, name = TWINS[board.name]
    platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()
    (clock,) = platform.resources[platform.default_clk, 0].ios
    uart = {part.name: part.ios[0].names[0] for part in platform.resources["uart", 0].ios}
    serial = {"clk": clock.names[0], "rx": uart["rx"], "tx": uart["tx"]}
    assert pins_of(board) == serial | (flash_of(platform, board.flash) if board.flash else {})
    assert platform.default_clk_frequency == board.oscillator_hz
    device, package = platform.device.lower(), platform.package.lower()
    assert board.device.size.removesuffix("k") in device
    assert re.sub(r"\D", "", package) == re.sub(r"\D", "", board.package)


@pytest.mark.parametrize(
    "board", [board for board in WITH_PINS if board.device.family is ECP5], ids=lambda b: b.name
)
def test_pin_file_says_the_oscillators_frequency(board):
    (frequency,) = re.findall(r'FREQUENCY PORT "clk" (\d+) MHZ', board.pin_file.read_text())
    assert float(frequency) * 1e6 == board.oscillator_hz


def test_every_pin_file_belongs_to_a_board_and_is_of_its_familys_kind():
    for board in WITH_PINS:
        assert board.pin_file.suffix == f".{board.device.family.pin_file_kind}"
    assert {path.name for path in CONSTRAINTS.iterdir()} == {board.pins for board in WITH_PINS}


def test_unknown_board_is_refused():
    with pytest.raises(InputError, match="choose one of ulx3s-85f"):
        find_board("ulx4s")


def test_a_row_of_weights_in_flash_takes_as_long_as_the_documentation_says():
    rows = Rows(Layer(Dense(np.zeros((784, 600), np.int8)), Neuron(1), weight_bits=8), 40)
    cycles = {row_cycles(rows, board.flash.wires) for board in BOARDS.values() if board.flash}
    page = (Path(__file__).parent.parent / "docs" / "gateware.md").read_text()
    assert " or ".join(f"{count:,}" for count in sorted(cycles)) + " cycles" in page
