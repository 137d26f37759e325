"""The compiled model on MNIST-sized networks, and what is said where gateware and sim differ."""

from pathlib import Path

import numpy as np
import pytest

from hw.bench.simulate import DifferenceError, Simulation, compare, compare_events, simulate
from hw.bench.trace import input_events
from hw.parameters import FULL, MachineParameters
from sim.connections.dense import Dense
from sim.data import dataset
from sim.encoders.intensity import Intensity
from sim.file import NETWORK_FILE, load
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.first_spike import FirstSpike
from timed_networks import GOOD, SLOW, feed

SEED = 11


TRAINED = Path(__file__).parent.parent / "build" / "mnist" / NETWORK_FILE


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


@pytest.mark.parametrize(
    ("hidden", "lanes"),
    [
        (40, 16),
        (40, FULL),
        pytest.param(600, 16, marks=pytest.mark.slow),
        pytest.param(600, FULL, marks=pytest.mark.slow),
    ],
)
def test_the_compiled_model_equals_sim_at_full_size(hidden, lanes):
    """784-hidden-10, 300 images, every boundary; with all lanes also the promised number of
    cycles.
    """
    network, images = mnist_sized(hidden), ink(300)
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


def test_differences_are_named():
    parameters = MachineParameters(SLOW)
    found = feed(input_events(SLOW, GOOD))[0]
    other = run(SLOW, np.array([[1, 2, 0, 3, 0]], np.uint8))
    with pytest.raises(
        DifferenceError,
        match="image 7, tick 6, layer 0, event 3: expected no event, found neuron 4",
    ):
        compare(7, other, found)
    beats = input_events(SLOW, GOOD)
    with pytest.raises(
        DifferenceError, match=r"image 0, input event 1: expected .*, found nothing"
    ):
        compare_events(parameters.network, [beats[0][:1]], GOOD)
