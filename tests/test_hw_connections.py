"""Which connections have a component, and which ask their store for whole rows."""

import numpy as np

from hw.connections import make_visits
from hw.connections.convolution import ConvolutionVisits
from hw.rows import Rows
from random_layers import random_weights
from sim.connections.convolution import Convolution
from sim.network import Layer
from sim.neuron import Neuron


def test_a_dense_layer_asks_for_rows_and_a_convolution_for_words():
    dense = random_weights(np.random.default_rng(1), 4, 4)
    assert make_visits(Rows(dense, 2)) is None
    maps = Layer(Convolution(np.ones((1, 2, 2, 4), np.int8), (3, 3, 1)), Neuron(1))
    assert isinstance(make_visits(Rows(maps, 2)), ConvolutionVisits)
