"""``python -m hw simulate`` and ``verilog``: what a user meets, and the compiled model on
MNIST-sized networks.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hw.bench import simulate as simulation_module
from hw.bench.simulate import Simulation, compare, simulate
from hw.commands import parser as command_line
from hw.parameters import FULL, MachineParameters
from random_networks import random_images, random_network
from sim.connections.dense import Dense
from sim.console import run_command
from sim.data import dataset
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.file import NETWORK_FILE, load, save
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.first_spike import FirstSpike
from sim.vectors import save_vectors

SEED = 11

TRAINED = Path(__file__).parent.parent / "build" / "mnist" / NETWORK_FILE


@pytest.fixture
def folder(tmp_path):
    """A folder with a network and vectors, as ``train export`` writes it."""
    network = random_network(SEED)
    images = random_images(network, 4, SEED)
    save(network, tmp_path / "network.safetensors")
    save_vectors(
        tmp_path / "vectors.safetensors", network, images, [run(network, image) for image in images]
    )
    return tmp_path


def hw(*arguments):
    command = [sys.executable, "-m", "hw", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def called(monkeypatch, *arguments):
    """Run the command line in this process and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["hw", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run_command(command_line.main)
    return stop.value.code


@pytest.mark.parametrize("engine", ["amaranth", "verilator"])
def test_simulate_prints_what_sim_prints_and_cycles(folder, engine):
    done = hw("simulate", folder, "--engine", engine, "--lanes", 1, "--limit", 3)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "3 images, 0 differences")
    network = random_network(SEED)
    for line, image in zip(
        done.stdout.splitlines(), random_images(network, 4, SEED)[:3], strict=True
    ):
        found = json.loads(line)
        assert found.pop("cycles") > 0
        assert found == run(network, image).to_json()


def test_simulate_stops_at_the_first_difference(folder, monkeypatch, capsys):
    def wrong(network, image):
        trace = run(network, image)
        return replace(trace, potential=trace.potential + 1)

    monkeypatch.setattr(simulation_module, "run", wrong)
    assert called(monkeypatch, "simulate", folder, "--engine", "amaranth") == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "difference: image 0, tick" in output.err
    assert "potential of output 0: expected" in output.err


def test_simulate_writes_lines_and_named_signals(folder, tmp_path, monkeypatch):
    lines, waves = tmp_path / "lines.json", tmp_path / "waves.vcd"
    options = ("--engine", "amaranth", "--json", lines, "--vcd", waves)
    assert called(monkeypatch, "simulate", folder, *options) == 0
    assert len(lines.read_text().splitlines()) == 4
    signals = [
        line.split()[4] for line in waves.read_text().splitlines() if line.startswith("$var")
    ]
    names = {signal.split(".")[-1] for signal in signals}
    assert {"tick", "advance", "deliver", "decision", "status", "kind", "neuron"} <= names


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--lanes", "0"), "--lanes: must be in 1.."),
        (("--lanes", "many"), "or 'full', not many."),
        (("--limit", "0"), "--limit: must be at least 1"),
        (("--vcd", "x.vcd"), "only the Amaranth engine writes one"),
    ],
)
def test_bad_options_are_one_sentence(folder, options, sentence, monkeypatch, capsys):
    assert called(monkeypatch, "simulate", folder, *options) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.strip().splitlines()) == 1


def test_verilog_is_complete(folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "my machine.v"
    assert called(monkeypatch, "verilog", folder, "--out", out) == 0
    written = capsys.readouterr().out.splitlines()
    text = out.read_text()
    assert str(out) in written
    assert all((tmp_path / name).is_file() for name in written)
    assert all(f'$readmemb("{Path(name).name}"' in text for name in written[1:])
    assert text.count("$readmem") == len(written) - 1
    assert "module top(" in text
    assert "// i__payload[7:0] intensity\n// i__payload[8:8] last\n" in text
    assert "// o__payload[1:0] outcome.status 0 DECIDED, 1 TIMED_OUT, 2 DROPPED\n" in text
    assert all(
        f"{stream}__{signal}" in text for stream in "io" for signal in ("payload", "valid", "ready")
    )


def test_a_missing_tool_is_one_sentence(monkeypatch):
    monkeypatch.setenv("YOSYS", "no-such-yosys")
    with pytest.raises(InputError, match="no-such-yosys: no such program; install it with"):
        Simulation(MachineParameters(random_network(12345), 1))


def mnist_sized(hidden=600):
    """A random network of the shape of the real one, and images with as much ink as MNIST's."""
    rng = np.random.default_rng(SEED)
    spike_tick = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
    encoder = Intensity((28, 28), 1, np.arange(784, dtype=np.int32), spike_tick)
    first = rng.normal(2, 25, (784, hidden)).round().clip(-128, 127).astype(np.int8)
    second = rng.normal(3, 40, (hidden, 10)).round().clip(-128, 127).astype(np.int8)
    return Network(
        encoder,
        (Layer(Dense(first), Neuron(300)), Layer(Dense(second), Neuron(250))),
        FirstSpike(),
        4,
        24,
        tuple("0123456789"),
    )


def ink(count):
    rng = np.random.default_rng(SEED)
    return np.where(rng.random((count, 28, 28)) < 0.134, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("lanes", [16, FULL])
def test_the_compiled_model_equals_sim_at_full_size(lanes):
    """784-600-10, 300 images, every boundary; with all lanes also the promised number of cycles."""
    network, images = mnist_sized(), ink(300)
    simulation = Simulation(MachineParameters(network, lanes))
    found = list(simulate(simulation, images))
    assert len(found) == len(images)
    if lanes == FULL:
        promised = [1.25 * sum(trace.events) + 2 * trace.trace.tick + 10 for trace in found]
        assert np.mean([trace.cycles for trace in found]) <= np.mean(promised)
    for index, trace in enumerate(simulation.run(images[:20], seed=SEED)):
        compare(index, run(network, images[index]), trace)


@pytest.mark.slow
def test_all_mnist_test_images_through_the_compiled_model():
    """With the trained network if `make demo` left one, else with a random one of its shape."""
    network = load(TRAINED) if TRAINED.is_file() else mnist_sized()
    images = dataset.load("mnist").test_images
    found = list(simulate(Simulation(MachineParameters(network)), images))
    assert len(found) == 10_000
    promised = [1.25 * sum(trace.events) + 2 * trace.trace.tick + 10 for trace in found]
    assert np.mean([trace.cycles for trace in found]) <= np.mean(promised)
