"""Several seeds of placement, on Dask, with tools that finish at once."""

import sys
from dataclasses import replace

import pytest

from hw.flow import seeds
from hw.flow.build import WORK, build
from hw.flow.seeds import Search
from sim.errors import InputError
from small_builds import ROUTED, settings_of

YOSYS = """
for name in ("top.json", "cells.json"):
    open(name, "w").write(json.dumps({"design": {"num_cells_by_type": {}}}))
"""

NEXTPNR = """
seed = int(sys.argv[sys.argv.index("--seed") + 1])
open({log!r}, "a").write(str(seed) + " ")
if seed == 3:
    sys.exit("ERROR: it cannot be routed")
open("top.asc", "w").write(str(seed))
report = {report!r}
report["fmax"] = dict(clk=dict(achieved=10 + seed, constraint=12))
open("routed.json", "w").write(json.dumps(report))
"""


def test_fastest_of_several_seeds_is_kept(tmp_path, monkeypatch):
    """Each seed's clock is its number here, and seed 3 fails; nothing is routed twice."""
    log = tmp_path / "log"
    nextpnr = NEXTPNR.format(log=str(log), report=ROUTED)
    for name, script in (("YOSYS", YOSYS), ("NEXTPNR_ICE40", nextpnr)):
        (tmp_path / name).write_text(f"#!{sys.executable}\nimport json, sys\n{script}\n")
        (tmp_path / name).chmod(0o755)
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(seeds, "CONNECT_SECONDS", 1)
    stages = []
    settings = replace(settings_of("none-up5k"), search=Search(3, workers=1), seed=2)
    built = build(settings, tmp_path / "out", stages.append)
    assert (built.settings.seed, built.routed.fmax_mhz) == (4, 14.0)
    assert (tmp_path / "out" / WORK / "top.asc").read_text() == "4"
    assert stages[-1] == "place and route: 2 of 3 seeds, 14.0 MHz"
    build(replace(settings, search=Search(4, workers=1)), tmp_path / "out")
    assert sorted(log.read_text().split()) == ["2", "3", "3", "4", "5"]
    with pytest.raises(InputError, match="cannot be routed"):
        build(replace(settings, search=Search(1), seed=3), tmp_path / "out")
    with pytest.raises(InputError, match=r"--scheduler 127\.0\.0\.1:1: does not answer"):
        build(replace(settings, search=Search(9, "127.0.0.1:1")), tmp_path / "out")
    with pytest.raises(InputError, match="--seeds: must be at least 1"):
        Search(0)
