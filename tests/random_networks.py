"""Small random networks and images for property tests: every depth, code, pooling, weight width and
time-out.
"""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.fixed_point import WeightFormat
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike


def random_network(seed: int) -> Network:
    """Draw a network from a seed: 1-3 layers, 1-8 bits, pruned pixels, pooled or not, one tick or
    several.
    """
    rng = np.random.default_rng(seed)
    pool = int(rng.integers(1, 3))
    shape = (pool * int(rng.integers(1, 5)), pool * int(rng.integers(1, 5)))
    available = shape[0] * shape[1] // pool**2
    pixels = np.flatnonzero(rng.random(available) < 0.8).astype(np.int32)
    if pixels.size == 0:
        pixels = np.array([0], np.int32)
    ticks_per_unit = int(rng.integers(1, 6))
    last_tick = int(rng.integers(2, 20))
    spike_tick = _code(rng, last_tick)
    sizes = [pixels.size, *rng.integers(1, 9, rng.integers(1, 4))]
    layers = tuple(_layer(rng, int(fan_in), int(fan_out)) for fan_in, fan_out in pairwise(sizes))
    classes = tuple(str(index) for index in range(sizes[-1]))
    return Network(
        Intensity(shape, pool, pixels, spike_tick),
        layers,
        FirstSpike(),
        ticks_per_unit,
        last_tick,
        classes,
    )


def _code(rng: np.random.Generator, last_tick: int) -> np.ndarray:
    """Binary, binary with late dark pixels, or an arbitrary tick for each intensity."""
    bright = np.arange(256) > rng.integers(0, 255)
    kind = rng.integers(3)
    if kind == 0:
        return np.where(bright, 0, -1).astype(np.int16)
    if kind == 1:
        return np.where(bright, 0, rng.integers(0, last_tick + 1)).astype(np.int16)
    return np.append(rng.integers(-1, last_tick + 1, 255), rng.integers(0, last_tick + 1)).astype(
        np.int16
    )


def _layer(rng: np.random.Generator, fan_in: int, fan_out: int) -> Layer:
    """Weights of any width; few distinct values give ties, a bias to positive ones gives spikes."""
    bits = int(rng.integers(1, 9))
    form = WeightFormat(bits)
    weight = rng.integers(form.low, form.high + 1, (fan_in, fan_out))
    if rng.random() < 0.6:
        weight = np.where(rng.random(weight.shape) < 0.6, np.abs(weight), weight).clip(
            form.low, form.high
        )
    threshold = int(rng.integers(1, max(2, form.high * fan_in // 2 + 2)))
    return Layer(Dense(weight.astype(np.int8)), Neuron(threshold), weight_bits=bits)


def random_images(network: Network, count: int, seed: int) -> np.ndarray:
    """Draw uint8 images of any density for a network."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *network.encoder.image_shape), dtype=np.uint8)
    extreme = rng.random(images.shape) < rng.random((count, 1, 1))
    return np.where(extreme, 255 * rng.integers(0, 2, images.shape), images).astype(np.uint8)


seeds = st.integers(0, 2**32 - 1)
"""Seeds for :func:`random_network` and :func:`random_images`; hypothesis prints the one that fails.
"""
