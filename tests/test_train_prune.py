"""Smaller networks decide alike: without useless inputs, silent intensities and dead neurons."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from random_networks import random_images, random_network, seeds
from random_windows import random_windows
from sim import batch
from sim.encoders.intensity import Intensity
from small_training import SMALL, YIN_YANG
from train.connections.dense import Dense
from train.fit import Training
from train.pipeline import SpikingNetwork
from train.prune import keep_inputs, silence, useful_inputs, without_dead_neurons


def test_pruning_keeps_the_most_useful_inputs():
    network = Training(SMALL, YIN_YANG).network
    with torch.no_grad():
        network.weights[0][2] = 0.0
    kept = useful_inputs(network, SMALL.train.images, 3)
    assert kept.tolist() == [0, 1, 3]
    smaller = keep_inputs(network, kept)
    assert smaller.encoder.pixels.tolist() == [0, 1, 3]
    images = SMALL.validation.images
    assert torch.equal(smaller.decide(images).decision, network.decide(images).decision)


def test_silent_intensities_are_as_if_their_pixels_were_dark():
    network = Training(SMALL, replace(YIN_YANG, dark_tick=-1)).network
    images = SMALL.validation.images
    dark = images.masked_fill(images <= 150, 0)
    quieter = silence(network, 150)
    for name in ("decision", "tick", "timed_out", "events", "reads"):
        found = getattr(quieter.decide(images), name)
        assert torch.equal(found, getattr(network.decide(dark), name)), name
    assert not torch.equal(quieter.decide(images).events, network.decide(images).events)
    assert silence(network, 0) is network


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_removing_dead_neurons_leaves_decisions(seed):
    network = random_network(seed)
    smaller, removed = without_dead_neurons(network)
    lost = sum(
        before.fan_out - after.fan_out
        for before, after in zip(network.layers, smaller.layers, strict=True)
    )
    assert sum(removed) == lost
    images = random_images(network, 20, seed)
    before, after = batch.run(network, images), batch.run(smaller, images)
    np.testing.assert_array_equal(before.decision, after.decision)
    np.testing.assert_array_equal(before.tick, after.tick)
    np.testing.assert_array_equal(before.potential, after.potential)


def test_dead_neurons_go_in_chains():
    """Layer 1 neuron 0 can never fire; so layer 0 neuron 0, which feeds only it, has no use."""
    encoder = Intensity((1, 1), 1, np.zeros(1, np.int32), np.zeros(256, np.int16))
    network = SpikingNetwork(encoder, (2, 2, 2), 2, 20, (8, 8, 8))
    network.thresholds = [10, 10, 10]
    with torch.no_grad():
        for weight, values in zip(
            network.weights, ([[9, 9]], [[1, 0], [0, 9]], [[9, 9], [9, 0]]), strict=True
        ):
            weight.copy_(torch.tensor(values) / 5)
    smaller, removed = without_dead_neurons(network.to_network(("a", "b"), {}))
    assert removed == [1, 1]
    assert [layer.weight.tolist() for layer in smaller.layers] == [[[18]], [[18]], [[18, 0]]]


def machine_of(windows):
    """The machine's network of random windows."""
    classes = range(windows.layers[-1].connection.fan_out)
    return windows.to_network([str(index) for index in classes], {})


def is_dense(windows):
    hidden = len(windows.layers) > 1
    return hidden and all(isinstance(layer.connection, Dense) for layer in windows.layers)


@pytest.mark.parametrize("seed", [seed for seed in range(60) if is_dense(random_windows(seed))])
def test_dead_neurons_of_windows_change_no_decision(seed):
    windows = random_windows(seed)
    for layer in windows.layers[:-1]:
        layer.start[::2] = -(10.0**6)
    network = machine_of(windows)
    smaller, removed = without_dead_neurons(network)
    before, after = ([layer.fan_out for layer in each.layers] for each in (network, smaller))
    assert removed == [old - new for old, new in zip(before[:-1], after[:-1], strict=True)]
    assert all(new <= max(1, old // 2) for old, new in zip(before[:-1], after[:-1], strict=True))

    images = random_images(network, 20, seed)
    whole, less = batch.run(network, images), batch.run(smaller, images)
    np.testing.assert_array_equal(less.decision, whole.decision)
    np.testing.assert_array_equal(less.potential, whole.potential)


def test_convolutions_stay_as_they_are():
    network = machine_of(
        next(each for each in map(random_windows, range(20)) if not is_dense(each))
    )
    assert without_dead_neurons(network) == (network, [0] * (len(network.layers) - 1))
