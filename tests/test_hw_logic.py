"""The size of the logic, kept below the smallest public core that we measured."""

import json
import subprocess
import sys
from os import environ
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_sixteen_lanes_are_smaller_than_tiny_odin():
    command = [sys.executable, "benchmarks/logic.py", "--lanes", "16", "--json"]
    path = {**environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    assert {row["family"] for row in rows} == {"ice40", "ecp5"}
    assert all(0 < row["luts"] < row["tiny_odin_luts"] for row in rows)
