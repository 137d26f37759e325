"""Boards and builds: pins, clocks, reports, and bitstreams from the tools that pip installs."""

import importlib
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from hw.boards.table import BOARDS, CONSTRAINTS, find_board
from hw.flow.build import REPORT_FILE, WORK, build
from hw.flow.check import OVERHEAD_LUTS, check
from hw.flow.measure import read_cells, read_routed, summary
from hw.flow.program import program
from hw.flow.settings import FASTEST, Settings
from hw.parameters import MachineParameters
from hw.storage.flash import WEIGHTS_FILE
from random_networks import random_network
from sim.errors import InputError
from sim.pipeline import run

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
    "board", [board for board in WITH_PINS if board.device.family == "ecp5"], ids=lambda b: b.name
)
def test_pin_file_says_the_oscillators_frequency(board):
    (frequency,) = re.findall(r'FREQUENCY PORT "clk" (\d+) MHZ', board.pin_file.read_text())
    assert float(frequency) * 1e6 == board.oscillator_hz


def test_every_pin_file_belongs_to_a_board():
    assert {path.name for path in CONSTRAINTS.iterdir()} == {board.pins for board in WITH_PINS}


ROUTED = {
    "fmax": {
        "$glbnet$sync_clk": {"achieved": 93.1, "constraint": 50},
        "slow": {"achieved": 20.0, "constraint": 12},
    },
    "utilization": {
        "TRELLIS_COMB": {"available": 24288, "used": 1215},
        "TRELLIS_FF": {"available": 24288, "used": 535},
        "DP16KD": {"available": 56, "used": 3},
        "MULT18X18D": {"available": 28, "used": 0},
        "DCCA": {"available": 56, "used": 1},
    },
    "critical_paths": [
        {
            "from": "posedge a",
            "to": "posedge a",
            "path": [
                {
                    "type": "clk-to-q",
                    "delay": 0.5,
                    "from": {"cell": "first"},
                    "to": {"cell": "first"},
                },
                {
                    "type": "routing",
                    "delay": 1.25,
                    "from": {"cell": "first"},
                    "to": {"cell": "middle"},
                },
                {
                    "type": "logic",
                    "delay": 0.25,
                    "from": {"cell": "middle"},
                    "to": {"cell": "middle"},
                },
                {
                    "type": "routing",
                    "delay": 1.0,
                    "from": {"cell": "middle"},
                    "to": {"cell": "last"},
                },
                {"type": "setup", "delay": 0.0, "from": {"cell": "last"}, "to": {"cell": "last"}},
            ],
        },
        {
            "from": "posedge a",
            "to": "<async>",
            "path": [
                {"type": "clk-to-q", "delay": 9.0, "from": {"cell": "x"}, "to": {"cell": "x"}}
            ],
        },
    ],
}
"""A report of nextpnr 0.11, shortened."""


def test_routed_report_is_read():
    routed = read_routed(json.dumps(ROUTED), "ecp5")
    assert routed.resources == {
        "LUT": (1215, 24288),
        "FF": (535, 24288),
        "block RAM": (3, 56),
        "DSP": (0, 28),
    }
    assert routed.fmax_mhz == 20.0
    assert vars(routed.critical) == {
        "start": "first",
        "end": "last",
        "delay_ns": 3.0,
        "routing_ns": 2.25,
        "cells": 1,
    }


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps(ROUTED | {"fmax": {}}), json.dumps(ROUTED | {"fmax": 3})]
)
def test_routed_report_that_cannot_be_read_is_refused(text):
    with pytest.raises(InputError, match="place and route"):
        read_routed(text, "ecp5")


def test_cell_counts_are_read():
    assert read_cells('{"design": {"num_cells_by_type": {"LUT4": 831, "CCU2C": 115}}}') == {
        "LUT4": 831,
        "CCU2C": 115,
    }
    with pytest.raises(InputError, match="synthesis"):
        read_cells('{"modules": {}}')


def settings_of(name, clock_hz=None, lanes=1, spram=None):
    board = find_board(name)
    return Settings(
        MachineParameters(random_network(3), lanes, spram=spram), board, clock_hz or board.clock_hz
    )


@pytest.mark.parametrize(("name", "spram"), [("ulx3s-25f", None), ("icebreaker", 0)])
def test_small_bitstream_is_built_and_reported(name, spram, tmp_path):
    """One per family, with weights in SPRAM where there is some; the same settings again run no
    tool.
    """
    settings, stages = settings_of(name, spram=spram), []
    built = build(settings, tmp_path, stages.append)
    assert stages == ["gateware", "synthesis", "place and route", "bitstream"]
    assert built.bitstream.stat().st_size > 10_000
    report = json.loads((tmp_path / REPORT_FILE).read_text())
    assert report == built.to_json()
    assert report["timing_met"]
    assert report["resources"].get("SPRAM", [0])[0] == (0 if spram is None else 1)
    assert report["digest"] == f"{random_network(3).digest:08x}"
    used, available = next(iter(report["resources"].values()))
    assert 500 < used < available
    assert summary(report).row_count >= 6
    again = build(settings, tmp_path)
    assert [
        again.seconds[stage] < 0.5 for stage in ("synthesis", "place and route", "bitstream")
    ] == [True] * 3
    before = built.bitstream.read_bytes()
    assert again.bitstream.read_bytes() == before
    assert build(replace(settings, seed=2), tmp_path).bitstream.read_bytes() != before


@pytest.fixture
def quick_tools(tmp_path, monkeypatch):
    """Tools that write canned reports at once; nextpnr's clock reaches 20 MHz."""
    canned = {
        "YOSYS": ("cells.json", {"design": {"num_cells_by_type": {"LUT4": 1}}}),
        "NEXTPNR_ECP5": ("routed.json", ROUTED),
    }
    for name, (file, content) in canned.items():
        tool = tmp_path / name
        tool.write_text(f"#!{sys.executable}\nopen({file!r}, 'w').write({json.dumps(content)!r})\n")
        tool.chmod(0o755)
        monkeypatch.setenv(name, str(tool))


def test_missed_timing_is_loud_and_leaves_no_bitstream(tmp_path, quick_tools):
    (tmp_path / "top.bit").write_bytes(b"of an earlier build")
    with pytest.raises(InputError, match=r"timing: the clock reaches 20.0 MHz, not 21; .*auto"):
        build(settings_of("none-ecp5-25f", 21e6), tmp_path)
    assert not json.loads((tmp_path / REPORT_FILE).read_text())["timing_met"]
    assert not list(tmp_path.glob("top.bi?"))
    assert build(settings_of("none-ecp5-25f", FASTEST), tmp_path).clock_hz == 20e6


def test_tool_that_fails_is_quoted(tmp_path, quick_tools, monkeypatch):
    for tool, complaint in (
        ("false", "nextpnr-ecp5 fails, silently"),
        ("no-such-tool", "no-such-tool: no such program"),
    ):
        monkeypatch.setenv("NEXTPNR_ECP5", tool)
        with pytest.raises(InputError, match=complaint):
            build(settings_of("none-ecp5-25f"), tmp_path)
    assert (tmp_path / WORK / "nextpnr-ecp5.log").is_file()


def test_check_says_what_fits_and_what_to_change(tmp_path, monkeypatch):
    cells = {"SB_RAM40_4K": 40, "$alu_20": 500, "$mux_8": 100, "$scopeinfo": 3}
    tool = tmp_path / "yosys"
    report = {"design": {"num_cells_by_type": cells}}
    tool.write_text(f"#!{sys.executable}\nopen('cells.json', 'w').write({json.dumps(report)!r})\n")
    tool.chmod(0o755)
    monkeypatch.setenv("YOSYS", str(tool))
    settings = settings_of("hx8k-breakout")
    network = settings.pipeline.network
    blank = run(network, np.zeros((1, *network.encoder.image_shape), np.uint8)[0])
    silence = replace(blank, spikes=[[] for _ in network.layers])
    findings = check(settings, [silence])
    assert (findings.blocks, findings.luts, findings.fits) == (
        40,
        500 * 20 + 480 + OVERHEAD_LUTS,
        False,
    )
    assert findings.silent == list(range(len(network.layers)))
    memory, logic, *silent = findings.advice
    assert memory.startswith("40 block RAMs are needed and 32 there")
    assert "--lanes 1" in logic
    assert len(silent) == len(network.layers)
    assert check(settings, []).to_json()["silent_layers"] is None


@pytest.mark.slow
def test_check_counts_the_blocks_that_synthesis_uses(tmp_path):
    settings = settings_of("none-up5k")
    assert check(settings, []).blocks == build(settings, tmp_path).cells["SB_RAM40_4K"]


@pytest.mark.slow
@pytest.mark.parametrize("name", BOARDS)
def test_every_board_is_built_as_fast_as_it_gets(name, tmp_path):
    built = build(settings_of(name, FASTEST), tmp_path)
    assert built.met
    assert (built.bitstream is None) == (BOARDS[name].pins is None)


def test_unknown_board_is_refused():
    with pytest.raises(InputError, match="choose one of ulx3s-85f"):
        find_board("ulx4s")


def test_programming_says_what_is_missing(tmp_path, monkeypatch):
    board = find_board("icebreaker")
    with pytest.raises(InputError, match="hw build DIR --board icebreaker"):
        program(board, tmp_path, flash=False)
    (tmp_path / "top.bin").write_bytes(b"bits")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="openFPGALoader: no such program"):
        program(board, tmp_path, flash=False)
    loader = tmp_path / "openFPGALoader"
    loader.write_text(
        f'#!{sys.executable}\nimport sys\nprint(*sys.argv[1:], file=open("{tmp_path}/said", "a"))\n'
    )
    loader.chmod(0o755)
    (tmp_path / WEIGHTS_FILE).write_bytes(b"weights")
    program(board, tmp_path, flash=True)
    weights, bits = (tmp_path / "said").read_text().splitlines()
    assert bits == f"--board ice40_generic --write-flash {tmp_path / 'top.bin'}"
    assert weights == f"{bits.replace('top.bin', WEIGHTS_FILE)} --offset 2097152 --file-type raw"
    with pytest.raises(InputError, match="only measures"):
        program(replace(board, pins=None), tmp_path, flash=False)
