"""``docs/neurons.md``: its tables are those of the program, and what it says of networks is so."""

import re

import numpy as np
import pytest

from docs import neuron_pictures
from sim import pipeline
from sim.connections.dense import Dense
from sim.data.encodings import ENCODINGS
from sim.encoders.intensity import Intensity
from sim.file import load
from sim.layer import Layer
from sim.network import Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from sim.report.neurons import KINDS, charging, coincidence, rate
from test_architecture import ROOT

PAGE = (ROOT / "docs" / "neurons.md").read_text()
LIF = KINDS["masquelier"]


def test_the_tables_are_those_of_the_program():
    """Kinds with the settings that they have; codes; pictures."""
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([^|]+) \| ([^|]+) \| `(\w+)`", PAGE, re.M)
    assert [row[0] for row in rows] == list(KINDS)
    for name, synapse, membrane, reset in rows:
        neuron = KINDS[name].neuron
        assert reset == neuron.reset
        assert "alpha" in synapse if 0 < neuron.synapse < 256 else str(neuron.synapse) in synapse
        assert "beta" in membrane if neuron.membrane < 256 else membrane == "256"

    codes = PAGE.partition("| `--encoding` |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", codes, re.M) == list(ENCODINGS)
    pictures = re.findall(r"<!-- picture: (\S+) -->", PAGE)
    assert pictures == list(neuron_pictures.PICTURES)


def test_the_figures_are_those_of_the_program():
    rows = re.findall(r"^\| (\d) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.M)
    found = charging(LIF.neuron, 10, 200)["rows"]
    wanted = [(str(row["fraction"]), row["error"], row["bound"]) for row in found]
    assert len(rows) == len(wanted) == 4
    for (bits, error, bound), (fraction, *values) in zip(rows, wanted, strict=True):
        assert bits == fraction
        for text, value in zip((error, bound), values, strict=True):
            assert text == f"{value:.{len(text.partition('.')[2])}f}"

    found = rate(LIF.neuron, range(1, 51), 300)["rows"]
    assert [(row["error"], row["silent"]) for row in found] == [(3, 1), (2, 0), (1, 0), (0, 0)]
    found = coincidence(LIF.neuron, LIF.weight, 60)
    assert [row["window"] for row in found["rows"]] == [3, 4, 4, 4]
    assert f"this is {found['continuous']:.2f} ticks" in PAGE


@pytest.mark.parametrize("name", ["mostafa", "rate", "adaptive-threshold"])
def test_a_picture_is_drawn(name, tmp_path, monkeypatch):
    monkeypatch.setattr(neuron_pictures, "FOLDER", tmp_path)
    assert f"api/neuron-{name}.svg" in neuron_pictures.picture(name)
    assert "<svg" in (tmp_path / f"neuron-{name}.svg").read_text()


@pytest.mark.parametrize("seed", range(5))
def test_one_level_at_tick_0_is_two_passes_of_sums(seed):
    """Leaky, without a current: what the machine decides, and a network of binary units."""
    random = np.random.default_rng(seed)
    weights = [random.integers(-20, 21, shape, dtype=np.int8) for shape in ((16, 12), (12, 4))]
    leak = int(random.integers(1, 257))
    neuron = Neuron(15, membrane=leak, synapse=0, reset="zero", ramp=False)
    table = np.where(np.arange(256) >= 128, 0, -1).astype(np.int16)
    encoder = Intensity((4, 4), 1, np.arange(16, dtype=np.int32), table)
    layers = [Layer(Dense(weight), neuron) for weight in weights]
    network = Network(encoder, layers, FirstSpike(), 1, 9, ("a", "b", "c", "d"))

    ended = 0
    for image in random.integers(0, 256, (20, 4, 4), dtype=np.uint8):
        found = pipeline.run(network, image)
        hidden = (image.reshape(-1) >= 128).astype(np.int64) @ weights[0] >= 15
        outputs = hidden.astype(np.int64) @ weights[1]
        assert [spike.neuron for spike in found.spikes[1]] == np.flatnonzero(hidden).tolist()
        assert all(spike.tick == 1 for spike in found.spikes[1])
        if outputs.max() >= 15:
            assert (found.tick, found.decision) == (2, outputs.argmax())
            ended += 1
        else:
            assert found.timed_out
    assert ended


def s4nn(weights, thresholds, ticks, last_tick):
    """First spikes of each layer, as S4NN has them: a spike reaches the next layer in its tick."""
    found = []
    for weight, threshold in zip(weights, thresholds, strict=True):
        potential = np.zeros(weight.shape[1], np.int64)
        fired = np.full(weight.shape[1], -1)
        for tick in range(last_tick + 1):
            potential += weight[ticks == tick].astype(np.int64).sum(axis=0)
            fired[(potential >= threshold) & (fired < 0)] = tick
        found.append(fired)
        ticks = fired
    return found


def test_weights_of_s4nn_become_a_network_that_fires_as_s4nn_does(tmp_path):
    """The function is the one in the page; weights are random real numbers, as large as S4NN's."""
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
    there = {}
    exec(block, there)
    random = np.random.default_rng(3)
    weights = [random.uniform(-8, 16, (36, 20)), random.uniform(-20, 45, (20, 4))]
    network = there["convert"](weights, (100.0, 100.0), (6, 6), 15, tmp_path / "n.safetensors")
    assert load(tmp_path / "n.safetensors").digest == network.digest

    integers = [layer.weight for layer in network.layers]
    thresholds = [layer.threshold for layer in network.layers]
    scale = 127 / np.abs(weights[0]).max()
    assert thresholds[0] == round(100 * scale)
    assert np.abs(integers[0] - weights[0] * scale).max() <= 0.5

    hidden_spikes, decided = 0, 0
    for image in random.integers(0, 256, (30, 6, 6), dtype=np.uint8):
        flat = image.reshape(-1).astype(np.int64)
        ticks = np.where(flat == 0, -1, (255 - flat) * 15 // 255)
        hidden, output = s4nn(integers, thresholds, ticks, 15)
        trace = pipeline.run(network, image)

        # layer n fires n ticks later, up to the decision
        end = trace.tick - (0 if trace.timed_out else 1)
        wanted = [(tick + 1, index) for index, tick in enumerate(hidden) if 0 <= tick < end]
        assert sorted(trace.spikes[1]) == sorted(wanted)
        hidden_spikes += len(wanted)
        if (output >= 0).any():
            first = output[output >= 0].min()
            assert trace.tick == first + 2
            assert output[trace.decision] == first
            decided += 1
        else:
            assert trace.timed_out
    assert hidden_spikes > 80
    assert decided > 20
