"""The quantised network in PyTorch is the integer machine: equal to sim, image by image, on any
network.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from random_networks import random_images, random_network, seeds
from sim import batch, pipeline
from sim.connections.connection import reads_of
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from train.pipeline import SpikingNetwork


def repeating(seed, most):
    """A random network whose hidden neurons fire up to ``most`` times."""
    network = random_network(seed)
    if most == 1:
        return network

    # their file is of version 2, in which one bit means something else
    layers = [replace(layer, weight_bits=max(2, layer.weight_bits)) for layer in network.layers]
    for index, layer in enumerate(layers[:-1]):
        neuron = Neuron(layer.threshold, reset="subtract", limit=most)
        layers[index] = replace(layer, neuron=neuron)
    return replace(network, layers=tuple(layers))


@settings(max_examples=200, deadline=None)
@given(seeds, st.integers(1, 4))
def test_decides_as_the_specification_does(seed, most):
    network = repeating(seed, most)
    images = random_images(network, 12, seed)
    outcome = SpikingNetwork.from_network(network).decide(torch.tensor(images))
    for index, image in enumerate(images):
        trace = pipeline.run(network, image)
        assert outcome.decision[index] == trace.decision
        assert outcome.tick[index] == trace.tick
        assert outcome.timed_out[index] == trace.timed_out
        assert outcome.events[index].tolist() == trace.events
        assert outcome.reads[index].tolist() == looked_up(network, trace)


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(1, 3))
def test_integer_network_there_and_back(seed, most):
    network = repeating(seed, most)
    back = SpikingNetwork.from_network(network).to_network(network.classes, network.provenance)
    assert back.digest == network.digest


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(1, 4))
def test_training_sees_the_machine(seed, most):
    """The pass that has gradients, in float32, meets the same hidden ticks and the same first
    output tick.
    """
    network = repeating(seed, most)
    trainable = SpikingNetwork.from_network(network)
    images = random_images(network, 8, seed)
    times = trainable(trainable.encode(torch.tensor(images)))
    outcome = trainable.decide(torch.tensor(images))
    for index, image in enumerate(images):
        trace = pipeline.run(network, image)
        last = math.inf if trace.timed_out else trace.tick
        for time, spikes in zip(times.hidden, trace.spikes[1:], strict=True):
            neurons = time.shape[1] // trainable.most_spikes
            found = sorted(
                (int(tick), number % neurons)
                for number, tick in enumerate(time[index].tolist())
                if tick < last
            )
            assert found == sorted(spikes)
    fired = ~outcome.timed_out
    assert torch.equal(times.output.amin(dim=1).ceil()[fired], outcome.tick[fired].float())


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_convolutions_decide_as_the_specification_does(seed):
    """Decisions and counts, and in training the hidden ticks."""
    network = network_of_maps(seed)
    images = random_images(network, 6, seed)
    trainable = SpikingNetwork.from_network(network)
    outcome = trainable.decide(torch.tensor(images))
    times = trainable(trainable.encode(torch.tensor(images)))
    for index, image in enumerate(images):
        trace = pipeline.run(network, image)
        assert outcome.decision[index] == trace.decision
        assert outcome.tick[index] == trace.tick
        assert outcome.timed_out[index] == trace.timed_out
        assert outcome.events[index].tolist() == trace.events
        assert outcome.reads[index].tolist() == looked_up(network, trace)

        last = math.inf if trace.timed_out else trace.tick
        for time, spikes in zip(times.hidden, trace.spikes[1:], strict=True):
            ticks = time[index].tolist()
            fired = {(int(tick), neuron) for neuron, tick in enumerate(ticks) if tick < last}
            assert fired == set(spikes)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_convolutions_there_and_back(seed):
    network = network_of_maps(seed)
    back = SpikingNetwork.from_network(network).to_network(network.classes, network.provenance)
    assert back.digest == network.digest


def looked_up(network, trace):
    """How many weights the spikes of each layer look up."""
    return [
        sum(int(reads_of(layer.connection)[spike.neuron]) for spike in spikes)
        for layer, spikes in zip(network.layers, trace.spikes, strict=True)
    ]


def network_of_maps(seed):
    """One or two convolutions with square kernels, then one or two dense layers, of Mostafa's
    neurons.
    """
    rng = np.random.default_rng(seed)
    shape = (*(int(size) for size in rng.integers(2, 9, 2)), 1)
    spike_tick = np.append(rng.integers(-1, 4, 255), 0).astype(np.int16)
    encoder = Intensity(shape[:2], 1, np.arange(shape[0] * shape[1], dtype=np.int32), spike_tick)

    connections = []
    for channels in rng.integers(1, 6, rng.integers(1, 3)):
        kernel = int(rng.integers(1, min(6, *(size + 1 for size in shape[:2]))))
        weight = random_weights(rng, (shape[2], kernel, kernel, int(channels)))
        stride, padding = int(rng.integers(1, 5)), int(rng.integers(0, kernel))
        connections.append(Convolution(weight, shape, stride, padding))
        shape = connections[-1].output
    for fan_out in rng.integers(1, 9, rng.integers(1, 3)):
        fan_in = connections[-1].fan_out
        connections.append(Dense(random_weights(rng, (fan_in, int(fan_out)))))

    highest = [max(bounds.high for bounds in each.inflows()) for each in connections]
    layers = [
        Layer(each, Neuron(1 + int(rng.integers(high // 3 + 1))))
        for each, high in zip(connections, highest, strict=True)
    ]
    classes = tuple(str(index) for index in range(layers[-1].fan_out))
    grid = int(rng.integers(1, 6)), int(rng.integers(3, 20))
    return Network(encoder, tuple(layers), FirstSpike(), *grid, classes)


def random_weights(rng, shape):
    """More positive than negative ones, so that many neurons fire."""
    return rng.integers(-40, 80, shape).astype(np.int8)


MAP = (4, 4, 1)
ONES = Layer(Convolution(np.ones((1, 2, 2, 1), np.int8), MAP), Neuron(2))
FLAT = Layer(Dense(np.ones((9, 2), np.int8)), Neuron(2))
WIDE = Layer(Dense(np.ones((12, 2), np.int8)), Neuron(2))


@pytest.mark.parametrize(
    "layers",
    [
        (ONES, replace(FLAT, start=np.ones(2, np.int32))),
        (ONES, replace(FLAT, neuron=Neuron(2, reset="subtract"))),
        (Layer(Dense(np.ones((16, 16), np.int8)), Neuron(2)), ONES, FLAT),
        (Layer(Convolution(np.ones((1, 1, 2, 1), np.int8), MAP), Neuron(2)), WIDE),
        (ONES,),
        (replace(ONES, neuron=Neuron(2, reset="subtract", limit=2)), FLAT),
    ],
    ids=["start", "neuron", "order", "kernel", "no dense layer", "two spikes"],
)
def test_other_networks_have_no_such_form(layers):
    encoder = Intensity((4, 4), 1, np.arange(16, dtype=np.int32), np.zeros(256, np.int16))
    classes = tuple(str(index) for index in range(layers[-1].fan_out))
    network = Network(encoder, layers, FirstSpike(), 2, 9, classes)
    with pytest.raises(InputError, match="network: only"):
        SpikingNetwork.from_network(network)


REFUSED = {
    "any number of spikes": (Neuron(500, reset="subtract"), Neuron(600)),
    "outputs that fire twice": (Neuron(500), Neuron(600, reset="subtract", limit=2)),
}


@pytest.mark.parametrize("neurons", REFUSED.values(), ids=REFUSED)
def test_networks_that_cannot_be_trained_are_refused(neurons):
    network = prototype(np.random.default_rng(5))
    layers = (
        replace(layer, neuron=each) for layer, each in zip(network.layers, neurons, strict=True)
    )
    with pytest.raises(InputError, match="only neurons on the ramp can be trained"):
        SpikingNetwork.from_network(replace(network, layers=tuple(layers)))


def test_prototype_size_decides_as_sim_does():
    rng = np.random.default_rng(5)
    network = prototype(rng)
    images = np.where(rng.random((500, 28, 28)) < 0.15, 255, 0).astype(np.uint8)
    expected = batch.run(network, images)
    outcome = SpikingNetwork.from_network(network).decide(torch.tensor(images))
    np.testing.assert_array_equal(outcome.decision.numpy(), expected.decision)
    np.testing.assert_array_equal(outcome.tick.numpy(), expected.tick)
    np.testing.assert_array_equal(outcome.events.numpy(), expected.events)
    assert 0 < outcome.timed_out.sum() < 500  # both ways to end are covered


def prototype(rng):
    spike_tick = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
    encoder = Intensity((28, 28), 1, np.arange(784, dtype=np.int32), spike_tick)
    first = Layer(Dense(rng.integers(-128, 128, (784, 600)).astype(np.int8)), Neuron(500))
    second = Layer(Dense(rng.integers(-128, 128, (600, 10)).astype(np.int8)), Neuron(600))
    return Network(encoder, (first, second), FirstSpike(), 8, 30, tuple("0123456789"))
