"""What is said about a design before anything is placed."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from hw.boards.table import find_board
from hw.flow.build import build
from hw.flow.check import Findings, check
from hw.flow.estimate import logic as logic_of
from hw.flow.placement import bits_in_logic
from hw.flow.settings import BuildSettings
from hw.parameters import MachineParameters
from hw.rows import flash
from hw.storage.flash import row_cycles
from random_networks import random_network
from sim.pipeline import run
from small_builds import maps, settings_of


def test_check_says_what_fits_and_what_to_change(tmp_path, monkeypatch):
    cells = {"SB_RAM40_4K": 40, "$dff_20": 500, "$mux_8": 100, "$scopeinfo": 3}
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
    assert (findings.blocks, findings.fits, findings.instead) == (40, False, None)
    kept = bits_in_logic(settings.pipeline, settings.board.device)
    assert findings.luts == logic_of(cells, settings.board.device.family, kept) > 7680
    assert findings.silent == list(range(len(network.layers)))
    memory, logic, *silent = findings.advice
    assert memory.startswith("40 block RAMs are needed and 32 there")
    assert f"about {findings.luts} look-up tables are needed and 7680 there" in logic
    assert len(silent) == len(network.layers)
    assert check(settings, []).to_json()["silent_layers"] is None


@pytest.mark.slow
def test_check_counts_the_blocks_that_synthesis_uses(tmp_path):
    settings = settings_of("none-up5k")
    assert check(settings, []).blocks == build(settings, tmp_path).cells["SB_RAM40_4K"]


def test_check_says_what_an_event_costs():
    board = find_board("icebreaker")
    pipeline = MachineParameters(random_network(4), 1).with_placement(0, flash())
    found = Findings(
        BuildSettings(pipeline, board, board.clock_hz), blocks=31, sprams=0, luts=1, silent=None
    )
    first, *rest = found.to_json()["layers"]
    assert (first["weights_in"], first["cycles_per_event"]) == (
        "flash",
        row_cycles(pipeline.layers[0].rows, 4),
    )
    assert [layer["cycles_per_event"] for layer in rest] == [
        layer.folds for layer in pipeline.layers[1:]
    ]
    (advice,) = found.advice
    assert "the weights are in flash already" in advice


def test_check_says_maps_and_what_an_event_reads():
    """28 x 28 pixels, 5 x 5 with stride 2 to 8 channels, then ten outputs of 144 maps' neurons."""
    network, board = maps(8), find_board("none-hx8k")
    pipeline = MachineParameters(network, 4)
    found = Findings(
        BuildSettings(pipeline, board, board.clock_hz), blocks=40, sprams=0, luts=1, silent=None
    )
    first, last = found.to_json()["layers"]
    assert (first["sizes"], last["sizes"]) == ("12x12x8", "1152 x 10")

    # Each of the 144 positions is seen from 25 pixels; two words for 8 channels.
    reads = 144 * 25 * 8 / 784
    assert (first["reads_per_event"], last["reads_per_event"]) == (round(reads, 1), 10)
    covered = network.reads_by_source[0] / 4
    assert first["cycles_per_event"] == round(float(np.maximum(covered, 1).mean()), 1)
    assert last["cycles_per_event"] == pipeline.layers[1].folds

    # The ten outputs are more than the channels, but channels are what can be changed.
    (advice,) = found.advice
    assert advice.startswith("40 block RAMs are needed and 32 there: take about 6 channels instead")
