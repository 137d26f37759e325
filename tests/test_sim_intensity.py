"""Pixels to spikes: pooling, the choice of pixels, the code, and the order of the spikes."""

import numpy as np
import pytest
from hypothesis import given
from numba import njit

from random_networks import random_images, random_network, seeds
from sim.compiled import spikes_by_tick
from sim.encoders.intensity import NEVER, Intensity, encode
from sim.errors import InputError
from small_network import CODE, PIXELS


@njit
def compiled_spikes(encoder, samples, index, last_tick):
    return spikes_by_tick(encoder, samples, index, last_tick)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pixels": PIXELS[::-1]}, "encoder.pixels: must be strictly increasing"),
        ({"pixels": np.array([0, 4], np.int32)}, r"encoder.pixels: must be in 0..3"),
        ({"pixels": PIXELS[:0]}, "encoder.pixels: at least one pixel"),
        ({"pixels": PIXELS.astype(np.int64)}, "encoder.pixels: must be int32, not int64"),
        ({"spike_tick": CODE[:255]}, "encoder.spike_tick: must have 256"),
        ({"spike_tick": CODE - np.int16(1)}, "encoder.spike_tick: must be a tick"),
        ({"spike_tick": np.full(256, -1, np.int16)}, "no intensity ever fires"),
        ({"pool": 3}, "pool: must be 1 or 2"),
        ({"image_shape": (4, 1), "pool": 2}, "image_shape: .* use even sizes"),
        ({"image_shape": (0, 4)}, "image_shape: two sizes"),
    ],
)
def test_invalid_encoder(change, sentence):
    with pytest.raises(InputError, match=sentence):
        Intensity(
            **{"image_shape": (2, 2), "pool": 1, "pixels": PIXELS, "spike_tick": CODE} | change
        )


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


@given(seeds)
def test_spikes_are_sorted_by_tick_then_by_input_in_both_forms(seed):
    network = random_network(seed)
    encoder, images = network.encoder, random_images(network, 3, seed)
    prepared = encoder.prepare(images)
    for index, image in enumerate(images):
        spikes = encoder.spikes(image)
        ticks = encode(encoder, image[np.newaxis])[0]
        assert spikes == sorted(spikes)
        assert {spike.neuron: spike.tick for spike in spikes} == {
            neuron: tick for neuron, tick in enumerate(ticks) if tick != NEVER
        }

        order, starts = compiled_spikes(encoder.compiled(), prepared, index, network.last_tick)
        assert order.tolist() == [spike.neuron for spike in spikes]
        assert starts.tolist() == [
            sum(spike.tick < tick for spike in spikes) for tick in range(network.last_tick + 2)
        ]
