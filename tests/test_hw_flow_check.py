"""What is said about a design before anything is placed."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from hw.flow.build import build
from hw.flow.check import OVERHEAD_LUTS, check
from sim.pipeline import run
from small_builds import settings_of


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
