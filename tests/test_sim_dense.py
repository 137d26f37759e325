"""A row is what one spike looks up; the least and the greatest sums are reached."""

import numpy as np
from hypothesis import given

from random_networks import random_network, seeds
from sim.connections.connection import Visit, reads_of
from sim.connections.dense import Dense
from sim.fixed_point import Bounds, WeightFormat

WEIGHT = np.array([[3, -4, 0], [-1, -2, 5]], np.int8)


def test_a_spike_adds_a_row():
    current = np.array([10, 20, 30])
    Dense(WEIGHT).deliver(1, current)
    assert current.tolist() == [9, 18, 35]
    assert Dense(WEIGHT).visits(1) == [Visit(1, 0)]
    assert reads_of(Dense(WEIGHT)).tolist() == [3, 3]


def test_sums_by_hand():
    assert Dense(WEIGHT).inflows() == [Bounds(-1, 3), Bounds(-6, 0), Bounds(0, 5)]
    assert Dense(WEIGHT).inflow_of_format(WeightFormat(4)) == Bounds(-16, 14)


@given(seeds)
def test_no_choice_of_spikes_adds_up_to_more(seed):
    connection = random_network(seed).layers[0].connection
    chosen = np.random.default_rng(seed).random((20, connection.fan_in)) < 0.5
    sums = chosen.astype(np.int64) @ connection.weight.astype(np.int64)
    for neuron, bounds in enumerate(connection.inflows()):
        assert bounds.low <= sums[:, neuron].min() <= sums[:, neuron].max() <= bounds.high
