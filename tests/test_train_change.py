"""Changed images are what they say."""

from dataclasses import replace

import numpy as np
import pytest

from sim.encoders.intensity import encode
from sim.errors import InputError
from sim.pipeline import run
from small_data import PATTERNS
from train.learning.change import hide, shift, stick_rows, turn
from train.learning.random_network import random_network


def test_shifts_move_whole_images_by_every_distance():
    image = np.zeros((400, 5, 5), np.uint8)
    image[:, 2, 2] = 9
    moved = shift(image, 2, np.random.default_rng(0))
    assert (moved.sum(axis=(1, 2)) == 9).all()
    assert len({tuple(np.argwhere(picture)[0]) for picture in moved}) == 25
    assert not shift(np.full((50, 3, 3), 7, np.uint8), 2, np.random.default_rng(0)).all()


def test_turns_are_anticlockwise_and_exact_at_right_angles():
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6)).astype(np.uint8)
    assert (turn(images, 90) == np.rot90(images, axes=(1, 2))).all()
    assert (turn(images, 180) == images[:, ::-1, ::-1]).all()
    assert turn(images, 0) is images


def test_the_busiest_rows_stick_at_zero():
    network = random_network(PATTERNS, 6, 0)
    found, rows = stick_rows(network, PATTERNS.train_images, 10)
    # tick 0 or -1: the sum falls with every image in which the pixel is dark
    used = encode(network.encoder, PATTERNS.train_images).sum(axis=0)
    assert used[rows].min() >= np.delete(used, rows).max()

    weight = network.layers[0].weight.copy()
    weight[rows] = 0
    assert (found.layers[0].weight == weight).all()
    assert found.layers[1:] == network.layers[1:]
    with pytest.raises(InputError, match=r"--stuck: must be in 0\.\.63, not 64"):
        stick_rows(network, PATTERNS.train_images, 64)


def test_a_row_that_is_stuck_is_a_pixel_that_never_fires():
    stuck, rows = stick_rows(random_network(PATTERNS, 6, 0), PATTERNS.train_images, 10)
    images = PATTERNS.test_images[:20]
    hidden = hide(stuck, images, rows)
    assert hide(stuck, images, rows[:0]) is images
    for image, quiet in zip(images, hidden, strict=True):
        found, expected = run(stuck, quiet), run(stuck, image)
        assert found.decision == expected.decision
        assert found.potential.tolist() == expected.potential.tolist()
        assert not {spike.neuron for spike in found.spikes[0]} & set(rows.tolist())


def test_no_pixel_can_be_hidden_where_every_intensity_fires():
    network = random_network(PATTERNS, 6, 0, (180,))
    spike_tick = np.where(network.encoder.spike_tick < 0, 3, 0).astype(np.int16)
    restless = replace(network, encoder=replace(network.encoder, spike_tick=spike_tick))
    with pytest.raises(InputError, match="--stuck: needs a network without pooling in which some"):
        hide(restless, PATTERNS.test_images[:1], np.array([3]))
