"""Each connection has its component."""

import numpy as np

from hw.connections import CONNECTIONS, make_visits
from hw.connections.convolution import ConvolutionVisits
from hw.connections.dense import DenseVisits
from hw.rows import Rows
from random_layers import random_weights
from sim import connections
from sim.connections.convolution import Convolution
from sim.network import Layer
from sim.neuron import Neuron


def test_each_connection_has_its_component():
    assert set(CONNECTIONS) == set(connections.CONNECTIONS.values())
    dense = random_weights(np.random.default_rng(1), 4, 4)
    assert isinstance(make_visits(Rows(dense, 2)), DenseVisits)
    maps = Layer(Convolution(np.ones((1, 2, 2, 4), np.int8), (3, 3, 1)), Neuron(1))
    assert isinstance(make_visits(Rows(maps, 2)), ConvolutionVisits)
