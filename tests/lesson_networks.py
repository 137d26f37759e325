"""Networks of two layers that learn: one made by hand, and random ones with labelled images."""

import numpy as np

from random_networks import random_images
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.fixed_point import WeightFormat
from sim.learning.supervised import Rule
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

# Intensity 200 spikes at tick 0, 150 at tick 2, 120 at tick 1, 0 never. With T = 4 and R = 2 a
# neuron starts at potential -8 and current -4; a weight of 12, 8 or 6 at tick 0 makes it fire at
# tick 1, 2 or 4, one of 4 or less never.
CODE = np.select(
    [np.arange(256) > 180, np.arange(256) > 140, np.arange(256) > 100], [0, 2, 1], -1
).astype(np.int16)


def machine(hidden, output, bits=8):
    """Return the network of these weights; both thresholds are 4."""
    layers = (
        Layer(Dense(np.array(hidden, np.int8)), Neuron(4), weight_bits=bits),
        Layer(Dense(np.array(output, np.int8)), Neuron(4), weight_bits=bits),
    )
    inputs, classes = len(hidden), tuple(str(index) for index in range(len(output[0])))
    return Network(
        Intensity((1, inputs), 1, np.arange(inputs, dtype=np.int32), CODE),
        layers,
        FirstSpike(),
        2,
        12,
        classes,
    )


# Hidden neurons fire at ticks 1, 2 and 4, the last is silent with current -1; output 0 fires at
# tick 4, output 1 at tick 2.
HIDDEN = [[12, 8, 6, 3]]
OUTPUT = [[9, 20], [-1, -7], [5, 5], [5, -5]]


def lively_network(seed):
    """Draw two layers whose outputs often fire: many positive weights, low thresholds, input spikes
    at all ticks.
    """
    rng = np.random.default_rng(seed)
    sizes, bits = rng.integers((2, 2, 2), (10, 8, 5)), rng.integers(2, 9, 2)
    last_tick = int(rng.integers(4, 20))
    code = np.append(rng.integers(-1, last_tick + 1, 255), 0).astype(np.int16)
    layers = []
    for fan_in, fan_out, width in zip(sizes, sizes[1:], bits, strict=False):
        form = WeightFormat(int(width))
        weight = rng.integers(form.low, form.high + 1, (fan_in, fan_out))
        weight = np.where(rng.random(weight.shape) < 0.7, np.abs(weight), weight).clip(
            form.low, form.high
        )
        layers.append(
            Layer(
                Dense(weight.astype(np.int8)),
                Neuron(int(rng.integers(1, 2 + form.high // 2))),
                weight_bits=int(width),
            )
        )
    pool, inputs = int(rng.integers(1, 3)), int(sizes[0])
    pixels = np.sort(rng.permutation(inputs + 2)[:inputs]).astype(np.int32)
    encoder = Intensity((pool, pool * (inputs + 2)), pool, pixels, code)
    return Network(
        encoder,
        tuple(layers),
        FirstSpike(),
        int(rng.integers(1, 5)),
        last_tick,
        tuple(map(str, range(sizes[2]))),
    )


def course(seed, images=12):
    """Draw a network, labelled images, skipping, and a rule."""
    rng = np.random.default_rng(seed)
    network = lively_network(seed)
    labels = rng.integers(0, len(network.classes), images)
    skip = rng.integers(0, 256, images) * rng.integers(0, 2, images)
    limits = ((0, 4), (0, 2 + network.layers[0].threshold), (1, 4), (0, 9))
    rule = Rule(*(int(rng.integers(*limit)) for limit in limits))
    return network, random_images(network, images, seed), labels, skip, rule
