"""Layers drawn from a seed, as software and as hardware, for tests of the parts of a layer."""

import numpy as np

from hw.parameters import LayerParameters
from hw.rows import Rows
from random_networks import bounds_of
from sim.bounds import Premise
from sim.connections.dense import Dense
from sim.fixed_point import Bounds, union
from sim.network import Layer
from sim.neuron import Neuron


def random_weights(rng, fan_in, fan_out, bits=8):
    """Draw a layer with any weights of so many bits."""
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    return Layer(
        Dense(rng.integers(low, high, (fan_in, fan_out)).astype(np.int8)),
        Neuron(int(rng.integers(1, 60))),
        weight_bits=bits,
    )


def random_layer(seed, output=False, **changes):
    """Draw a layer of any size, weight width, number of lanes and size of their groups."""
    rng = np.random.default_rng(seed)
    layer = random_weights(
        rng, int(rng.integers(1, 9)), int(rng.integers(1, 14)), int(rng.integers(1, 9))
    )
    group, lanes = int(rng.integers(1, 14)), int(rng.integers(1, layer.fan_out + 1))
    if rng.random() < 0.4:
        lanes = layer.fan_out  # another circuit, without folds
    inflow = union(layer.connection.inflows())
    current = bounds_of(layer.neuron, inflow, Premise(2, 0, 9, 1, True)).current
    return LayerParameters(
        layer, lanes, 2, 24, current, Bounds(-4000, 4000), output, group=group, **changes
    )


def random_rows(seed):
    """Draw the weight rows of a layer, with any number of lanes."""
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(1, 9))
    fan_in, fan_out = (int(size) for size in rng.integers(1, 12, 2))
    layer = random_weights(rng, fan_in, fan_out, bits)
    return Rows(layer, int(rng.integers(1, fan_out + 1)))
