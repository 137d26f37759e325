"""The network that learning starts from."""

from small_data import PATTERNS
from train.learning.random_network import random_network


def test_levels_of_brightness_spike_a_quarter_unit_apart():
    network = random_network(PATTERNS, 4, 0, (180, 100, 30))
    assert network.encoder.spike_tick[[0, 30, 31, 100, 101, 180, 181, 255]].tolist() == [
        -1,
        -1,
        8,
        8,
        4,
        4,
        0,
        0,
    ]
