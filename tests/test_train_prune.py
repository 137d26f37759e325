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
from train import prune
from train.connections.dense import Dense
from train.fit import Training
from train.pipeline import SpikingNetwork
from train.prune import keep_inputs, silence, silenced, useful_inputs, without_dead_neurons


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


def test_an_input_is_worth_its_weights_times_the_root_of_how_often_it_fires(monkeypatch):
    network = Training(SMALL, replace(YIN_YANG, dark_tick=-1)).network
    often = torch.tensor([4, 16, 1, 4])
    images = torch.zeros(20, 2, 2, dtype=torch.uint8)
    for pixel, count in enumerate(often):
        images[:count, pixel // 2, pixel % 2] = 255
    with torch.no_grad():
        network.weights[0].zero_()
        network.weights[0][:, 0] = torch.tensor([3.0, -1.0, 5.0, 2.0])

    # worth 6, 4, 5, 4; of equal ones the first is kept, however the images are counted
    for chunk in (1000, 7, 20):
        monkeypatch.setattr(prune, "CHUNK", chunk)
        kept = [useful_inputs(network, images, budget).tolist() for budget in (1, 2, 3, 4)]
        assert kept == [[0], [0, 2], [0, 1, 2], [0, 1, 2, 3]]


def test_intensities_up_to_the_limit_are_silent_and_no_other():
    table = np.full(256, 3, np.int16)
    encoder = Intensity((1, 1), 1, np.zeros(1, np.int32), table)
    found = silenced(encoder, 140).spike_tick
    assert found.tolist() == [-1] * 141 + [3] * 115
    assert silenced(encoder, 0) is encoder
    assert encoder.spike_tick.tolist() == [3] * 256


def test_neurons_that_fire_and_are_heard_are_kept_and_no_others():
    """Neuron 0 is heard and cannot fire, 1 fires and nobody listens, 2 and 3 stay."""
    encoder = Intensity((1, 1), 1, np.zeros(1, np.int32), np.zeros(256, np.int16))
    network = SpikingNetwork(encoder, (4, 2), 2, 20, (8, 8))
    network.thresholds = [10, 10]
    hidden, output = [[1, 9, 8, 7]], [[9, 9], [0, 0], [-3, 5], [6, 0]]
    with torch.no_grad():
        for weight, values in zip(network.weights, (hidden, output), strict=True):
            weight.copy_(torch.tensor(values) / 5)
    smaller, removed = without_dead_neurons(network.to_network(("a", "b"), {}))
    assert removed == [2]
    assert [layer.weight.tolist() for layer in smaller.layers] == [
        [[16, 14]],
        [[-6, 10], [12, 0]],
    ]


def test_one_neuron_of_a_dead_layer_is_kept():
    encoder = Intensity((1, 1), 1, np.zeros(1, np.int32), np.zeros(256, np.int16))
    network = SpikingNetwork(encoder, (3, 2), 2, 20, (8, 8))
    network.thresholds = [10, 10]
    with torch.no_grad():
        network.weights[0].copy_(torch.tensor([[1, 2, 3]]) / 5)
        network.weights[1].fill_(1.0)
    smaller, removed = without_dead_neurons(network.to_network(("a", "b"), {}))
    assert removed == [2]
    assert [layer.weight.tolist() for layer in smaller.layers] == [[[2]], [[10, 10]]]


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
