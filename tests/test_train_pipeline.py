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
            neurons = time.shape[1] // trainable.spikes
            found = sorted(
                (int(tick), number % neurons)
                for number, tick in enumerate(time[index].tolist())
                if tick < last
            )
            assert found == sorted(spikes)
    fired = ~outcome.timed_out
    assert torch.equal(times.output.amin(dim=1).ceil()[fired], outcome.tick[fired].float())


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
