"""Builds: bitstreams from the tools that pip installs, and what is left when one fails."""

import json
import sys
from dataclasses import replace

import pytest

from hw.boards.table import BOARDS, find_board
from hw.flow.build import REPORT_FILE, WORK, build
from hw.flow.measure import summary
from hw.flow.settings import FASTEST, BuildSettings
from hw.parameters import MachineParameters
from hw.rows import SPRAM, flash
from hw.storage.flash import HEADER_BYTES, OFFSET, WEIGHTS_FILE
from random_networks import random_network
from sim.errors import InputError
from small_builds import ROUTED, recorded_tools, settings_of


@pytest.mark.parametrize(
    ("name", "spram"), [pytest.param("ulx3s-25f", None, marks=pytest.mark.slow), ("icebreaker", 0)]
)
def test_small_bitstream_is_built_and_reported(name, spram, tmp_path, monkeypatch):
    """One per family, with weights in SPRAM where there is some; the same settings again run no
    tool.
    """
    settings, stages, ran = settings_of(name), [], recorded_tools(monkeypatch)
    if spram is not None:
        machine = settings.pipeline.with_placement(spram, SPRAM)
        settings = replace(settings, pipeline=machine)
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
    assert ran == ["synthesis", "place and route", "bitstream"]
    before = built.bitstream.read_bytes()
    again = build(settings, tmp_path)
    assert len(ran) == 3, "no tool ran again"
    assert again.bitstream.read_bytes() == before


@pytest.mark.slow
def test_another_seed_gives_another_bitstream(tmp_path, monkeypatch):
    """From the same netlist; what is done with several seeds, test_hw_flow_seeds.py sees."""
    settings = settings_of("icebreaker")
    before = build(settings, tmp_path).bitstream.read_bytes()
    ran = recorded_tools(monkeypatch)
    assert build(replace(settings, seed=2), tmp_path).bitstream.read_bytes() != before
    assert ran == ["place and route", "bitstream"]


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
        ("false", "nextpnr-ecp5 fails, with status 1, and says nothing"),
        ("no-such-tool", "no-such-tool: no such program"),
    ):
        monkeypatch.setenv("NEXTPNR_ECP5", tool)
        with pytest.raises(InputError, match=complaint):
            build(settings_of("none-ecp5-25f"), tmp_path)
    assert (tmp_path / WORK / "nextpnr-ecp5.log").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", BOARDS)
def test_every_board_is_built_as_fast_as_it_gets(name, tmp_path):
    built = build(settings_of(name, FASTEST), tmp_path)
    assert built.met
    assert (built.bitstream is None) == (BOARDS[name].pins is None)


@pytest.mark.slow
def test_a_build_has_its_weights_beside_it(tmp_path):
    board = find_board("icebreaker")
    pipeline = MachineParameters(random_network(3), 1).with_placement(0, flash())
    rows = pipeline.layers[0].rows
    report = build(BuildSettings(pipeline, board, board.clock_hz), tmp_path).to_json()
    assert report["weights"] == {"file": WEIGHTS_FILE, "offset": OFFSET}
    written = (tmp_path / WEIGHTS_FILE).read_bytes()
    assert int.from_bytes(written[:HEADER_BYTES], "big") == pipeline.network.digest
    assert [
        int.from_bytes(written[place : place + rows.word_bytes], "big")
        for place in range(HEADER_BYTES, len(written), rows.word_bytes)
    ] == rows.pack()
    build(BuildSettings(replace(pipeline, placement=()), board, board.clock_hz), tmp_path)
    assert not (tmp_path / WEIGHTS_FILE).exists()
