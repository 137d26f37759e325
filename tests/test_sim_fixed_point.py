"""Rounding has one rule; bounds hold for every input and are reached by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from random_networks import random_images, random_network, seeds
from sim.encoders.intensity import NEVER, encode
from sim.fixed_point import WeightFormat, current_bounds, potential_bounds, signed_bits
from sim.neuron import Neurons
from sim.pipeline import run


@pytest.mark.parametrize(
    ("bits", "low", "high"), [(1, -1, 0), (2, -2, 1), (4, -8, 7), (8, -128, 127)]
)
def test_range(bits, low, high):
    assert (WeightFormat(bits).low, WeightFormat(bits).high) == (low, high)


def test_halves_round_to_even_and_ends_saturate():
    values = np.array([-9.0, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 9.0])
    assert WeightFormat(4).round(values).tolist() == [-8, -2, -2, 0, 0, 2, 2, 7]


@given(st.integers(-(2**40), 2**40))
def test_signed_bits_is_the_narrowest_width(value):
    bits = signed_bits(value)
    assert -(1 << (bits - 1)) <= value < 1 << (bits - 1)
    assert bits == 1 or not -(1 << (bits - 2)) <= value < 1 << (bits - 2)


@given(seeds)
def test_no_state_leaves_its_bounds(seed):
    network = random_network(seed)
    image = random_images(network, 1, seed)[0]
    trace = run(network, image)
    for index, layer in enumerate(network.layers):
        current, potential = current_bounds(layer), potential_bounds(network, index)
        neurons = Neurons(layer, network.ticks_per_unit)
        for tick in range(trace.tick + 1):
            if tick > 0:
                neurons.advance()
            assert (
                potential.low
                <= neurons.potential.min()
                <= neurons.potential.max()
                <= potential.high
            )
            for spike in trace.spikes[index]:
                if spike.tick == tick:
                    neurons.deliver(spike.neuron)
            assert current.low <= neurons.current.min() <= neurons.current.max() <= current.high


@given(seeds)
def test_first_layer_reaches_its_bounds(seed):
    """Bright pixels exactly where a neuron's weights are positive (negative) drive it to its upper
    (lower) bound.
    """
    network = random_network(seed)
    layer = network.layers[0]
    first = int(np.flatnonzero(network.encoder.spike_tick == network.encoder.first_tick)[0])
    current, potential = current_bounds(layer), potential_bounds(network, 0)
    reached = set()
    for neuron in range(layer.fan_out):
        for chosen in (layer.weight[:, neuron] > 0, layer.weight[:, neuron] < 0):
            neurons = Neurons(layer, network.ticks_per_unit)
            reached.add(int(neurons.potential[neuron]))
            for tick in range(network.last_tick + 1):
                if tick > 0:
                    neurons.advance()
                if tick == network.encoder.first_tick:
                    for row in np.flatnonzero(chosen):
                        neurons.deliver(int(row))
                    reached.add(("current", int(neurons.current[neuron])))
            reached.add(int(neurons.potential[neuron]))
    assert first >= 0
    assert {
        ("current", current.low),
        ("current", current.high),
        potential.low,
        potential.high,
    } <= reached


@given(seeds)
def test_encode_gives_each_pixel_its_tick(seed):
    network = random_network(seed)
    encoder = network.encoder
    image = random_images(network, 1, seed)[0]
    found = encode(encoder, image[np.newaxis])[0]
    width = encoder.image_shape[1] // encoder.pool
    for place, pixel in enumerate(encoder.pixels):
        row, column = divmod(int(pixel), width)
        if encoder.pool == 1:
            intensity = int(image[row, column])
        else:
            intensity = (
                sum(int(image[2 * row + y, 2 * column + x]) for y in (0, 1) for x in (0, 1)) // 4
            )
        assert found[place] == encoder.spike_tick[intensity] >= NEVER
