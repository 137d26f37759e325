"""The window code in integers is what the machine computes tick by tick, spike by spike."""

import numpy as np
import pytest
import torch

from random_windows import random_windows
from sim import batch, pipeline
from sim.errors import InputError
from train.export import check, check_spikes
from train.window.integers import left

IMAGES = 6


def images_of(network, seed):
    shape = (IMAGES, *network.encoder.image_shape)
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    images[0] = 255
    return torch.tensor(images)


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_are_equal_in_training_and_in_both_machines(seed):
    network = random_windows(seed)
    images = images_of(network, seed)
    classes = [str(index) for index in range(network.layers[-1].connection.fan_out)]
    machine = network.to_network(classes, {})
    found = batch.run(machine, images.numpy())
    check(network.decide(images), found)
    check_spikes(network, images, machine)
    for index, image in enumerate(images.numpy()):
        assert pipeline.run(machine, image).to_json() == found.to_json(index)


def test_random_networks_are_of_all_kinds():
    drawn = [random_windows(seed) for seed in range(20)]
    layers = [layer for network in drawn for layer in network.layers]
    geometries = [vars(layer.connection) for layer in layers]
    assert {layer.window for layer in layers} == {0, 1, 3, 7, 15}
    assert {layer.bits for layer in layers} == set(range(1, 9))
    assert {each["kernel"] for each in geometries if "kernel" in each} == {1, 2, 3, 4, 5}
    assert {each["stride"] for each in geometries if "stride" in each} == {1, 2, 3, 4}
    fired = [network.run(images_of(network, 0))[1:-1] for network in drawn]
    values = torch.cat([each.flatten() for one in fired for each in one])
    assert set(values.unique().tolist()) == set(range(16))


def test_an_input_is_worth_the_ticks_that_remain():
    network = random_windows(3)
    encoder = network.encoder
    end = encoder.last_tick + 1
    images = images_of(network, 1)
    worth = left(encoder, images)
    ticks = encoder.spike_tick[images.numpy().reshape(IMAGES, -1)]
    np.testing.assert_array_equal(worth.numpy(), np.where(ticks < 0, 0, end - ticks))


def test_the_first_of_equal_potentials_is_the_answer():
    network = random_windows(3)
    last = network.layers[-1]
    last.weight.fill_(1.0)
    last.start.fill_(5.0)
    assert network.decide(images_of(network, 0)).decision.tolist() == [0] * IMAGES


def test_a_start_of_more_than_32_bits_is_refused():
    network = random_windows(3)
    network.layers[0].start[0] = 2.0**31
    with pytest.raises(InputError, match="start: needs more than 32 bits; train with fewer bits"):
        network.to_network(["0", "1"], {})
