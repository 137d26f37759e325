"""The gateware equals ``sim`` on every boundary: random networks, any lanes, random pauses on every
stream.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.simulate import Simulation, compare
from hw.bench.trace import field, pixels
from hw.events import Status, result
from hw.machine.machine import Machine
from hw.parameters import MachineParameters
from hw.rows import BLOCK, LOGIC, SPRAM
from leaky_networks import leaky_network, random_samples
from random_networks import any_network, random_images, random_network, seeds
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.layer import Layer
from sim.network import Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.final import Final

IMAGES = 3


def any_machine(seed):
    """A machine of any network: convolutions, windows, ramps, several spikes; any lanes; weights of
    each layer in any memory, so that layers share one now and then.
    """
    network, rng = any_network(seed), np.random.default_rng(seed)
    encoder = network.encoder
    if len(encoder.image_shape) > 2:  # images with channels are not pooled in hardware
        network = replace(network, encoder=replace(encoder, image_shape=encoder.map, pool=1))

    parameters = any_lanes(seed, network)
    kinds = (BLOCK, BLOCK, LOGIC, SPRAM, SPRAM)
    placement = tuple(kinds[rng.integers(len(kinds))] for _ in network.layers)
    return replace(parameters, placement=placement)


def any_lanes(seed, network):
    """Return a machine with any lanes, in groups of any size."""
    rng = np.random.default_rng(seed)
    widest = max(layer.connection.channels_out for layer in network.layers)
    lanes = widest if rng.random() < 0.3 else int(rng.integers(1, widest + 1))
    return MachineParameters(network, lanes, group=int(rng.integers(1, 2 * widest)))


def check_any_network(seed, pauses):
    parameters = any_machine(seed)
    images = random_images(parameters.network, IMAGES, seed)
    found = Simulation(parameters, "amaranth").run(images, seed % 1000 if pauses else None)
    for index, trace in enumerate(found):
        compare(index, run(parameters.network, images[index]), trace)


def with_random_lanes(seed, network):
    """Any number of lanes in groups of any size; all lanes in a half of the cases, for that is
    another circuit.
    """
    widest = max(layer.fan_out for layer in network.layers)
    rng = np.random.default_rng(seed)
    lanes = widest if rng.random() < 0.5 else int(rng.integers(1, widest + 1))
    return MachineParameters(network, lanes, group=int(rng.integers(1, 2 * widest)))


def check_boundaries(seed, pauses):
    network = random_network(seed)
    images = random_images(network, IMAGES, seed)
    parameters = with_random_lanes(seed, network)
    simulation = Simulation(parameters, "amaranth")
    for index, found in enumerate(simulation.run(images, seed % 1000 if pauses else None)):
        compare(index, run(network, images[index]), found)


def check_whole_machine(seed, pauses):
    """The whole machine: here ``discard`` ends the encoder's work on a decided image."""
    network = random_network(seed)
    images = random_images(network, IMAGES, seed)
    machine = Machine(with_random_lanes(seed, network))
    found = AmaranthEngine(machine).run(
        Stimulus(pixels(images), seed=seed % 1000 if pauses else None)
    )
    layout = result(network)
    for index, image in enumerate(images):
        trace, output = run(network, image), found.outputs[index : index + 1]
        status = Status.TIMED_OUT if trace.timed_out else Status.DECIDED
        expected = {"status": status.value, "decision": trace.decision, "tick": trace.tick}
        assert {
            name: int(field(output, layout, "outcome", name)[0]) for name in expected
        } == expected
        assert [
            int(field(output, layout, "events", n)[0]) for n in range(len(network.layers))
        ] == trace.events
        assert field(output, layout, "rejected") == [0]


def check_dense_networks(seed, pauses):
    """Dense layers of any neurons, one after the other, with any lanes."""
    network = any_network(seed, dense=True)
    images = random_images(network, IMAGES, seed)
    simulation = Simulation(with_random_lanes(seed, network), "amaranth")
    for index, found in enumerate(simulation.run(images, seed % 1000 if pauses else None)):
        compare(index, run(network, images[index]), found)


def check_leaky_networks(seed, pauses):
    """Leaky neurons of any kind, dense layers and convolutions, images and events."""
    parameters = any_lanes(seed, leaky_network(seed, gateware=True))
    samples = random_samples(parameters.network, IMAGES, seed)
    found = Simulation(parameters, "amaranth").run(samples, seed % 1000 if pauses else None)
    for index, trace in enumerate(found):
        compare(index, run(parameters.network, samples[index]), trace)


# The same properties twice: a part of the examples in every run, and many of them.


@settings(max_examples=10)
@given(seeds, st.booleans())
def test_every_boundary_of_any_network_equals_sim(seed, pauses):
    check_any_network(seed, pauses)


@settings(max_examples=50)
@given(seeds, st.booleans())
def test_every_boundary_equals_sim(seed, pauses):
    check_boundaries(seed, pauses)


@settings(max_examples=20)
@given(seeds, st.booleans())
def test_pixels_in_results_out(seed, pauses):
    check_whole_machine(seed, pauses)


@settings(max_examples=15)
@given(seeds, st.booleans())
def test_every_boundary_of_windows_ramps_and_sums_equals_sim(seed, pauses):
    check_dense_networks(seed, pauses)


@settings(max_examples=20)
@given(seeds, st.booleans())
def test_every_boundary_of_leaky_neurons_equals_sim(seed, pauses):
    check_leaky_networks(seed, pauses)


@pytest.mark.slow
@pytest.mark.many
@settings(max_examples=60)
@given(seeds, st.booleans())
def test_every_boundary_of_leaky_neurons_equals_sim_often(seed, pauses):
    check_leaky_networks(seed, pauses)


@pytest.mark.slow
@pytest.mark.many
@settings(max_examples=20)
@given(seeds, st.booleans())
def test_every_boundary_of_any_network_equals_sim_often(seed, pauses):
    check_any_network(seed, pauses)


@pytest.mark.slow
@pytest.mark.many
@settings(max_examples=200)
@given(seeds, st.booleans())
def test_every_boundary_equals_sim_often(seed, pauses):
    check_boundaries(seed, pauses)


@pytest.mark.slow
@pytest.mark.many
@settings(max_examples=60)
@given(seeds, st.booleans())
def test_pixels_in_results_out_often(seed, pauses):
    check_whole_machine(seed, pauses)


@pytest.mark.slow
@pytest.mark.many
@settings(max_examples=40)
@given(seeds, st.booleans())
def test_every_boundary_of_windows_ramps_and_sums_equals_sim_often(seed, pauses):
    check_dense_networks(seed, pauses)


def seldom_drawn():
    """Networks that chance seldom draws: starts by neuron in folds of one word each, and a bias of
    outputs that only sum.
    """
    rng = np.random.default_rng(7)
    neuron = Neuron(40, membrane=240, synapse=0, reset="zero", ramp=False)
    kernel = rng.integers(-20, 40, (1, 2, 2, 4)).astype(np.int8)
    start = rng.integers(-60, 40, 16).astype(np.int32)
    maps = Layer(Convolution(kernel, (4, 4, 1), 2, 0), neuron, start=start)
    sums = Neuron(1, reset="never", ramp=False)
    last = Layer(Dense(rng.integers(-9, 9, (16, 3)).astype(np.int8)), sums)
    biased = replace(last, bias=np.array([1, -2, 3], np.int8))

    ticks = rng.integers(0, 5, 256).astype(np.int16)
    encoder = Intensity((4, 4), 1, np.arange(16, dtype=np.int32), ticks)
    at_once = replace(encoder, spike_tick=np.zeros(256, np.int16))
    return [
        Network(encoder, (maps, last), Final(), 1, 6, ("a", "b", "c")),
        Network(at_once, (biased,), Final(), 1, 6, ("a", "b", "c")),
    ]


@pytest.mark.parametrize("network", seldom_drawn(), ids=["starts", "bias"])
def test_every_boundary_of_what_chance_seldom_draws_equals_sim(network):
    images = random_images(network, IMAGES, 7)
    lanes = 2 if len(network.layers) > 1 else 3
    found = Simulation(MachineParameters(network, lanes), "amaranth").run(images, 7)
    for index, trace in enumerate(found):
        compare(index, run(network, images[index]), trace)
