"""Pixels to spikes: pooling, the choice of pixels, the code, and the order of the spikes."""

import numpy as np
import pytest
from hypothesis import given

from random_networks import random_images, random_network, seeds
from sim.encoders.events import Events
from sim.encoders.intensity import NEVER, Intensity, encode, image_encoder
from sim.errors import InputError
from sim.neuron import Spike
from small_network import CODE, PIXELS


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
    for index, image in enumerate(images):
        spikes = encoder.spikes(image)
        ticks = encode(encoder, image[np.newaxis])[0]
        assert spikes == sorted(spikes) == listed(encoder.spike_list(images), index)
        assert {spike.neuron: spike.tick for spike in spikes} == {
            neuron: tick for neuron, tick in enumerate(ticks) if tick != NEVER
        }


def listed(found, index):
    """Return the spikes of a sample in a list of many."""
    part = slice(found.start[index], found.start[index + 1])
    return [Spike(*pair) for pair in zip(found.tick[part], found.input[part], strict=True)]


@given(seeds)
def test_an_intensity_can_fire_at_any_set_of_ticks(seed):
    rng = np.random.default_rng(seed)
    mask = (rng.random((256, 7)) < rng.random()).astype(np.uint8)
    mask[7, 3] = 1
    encoder = Intensity((2, 2), 1, PIXELS, mask=mask)
    images = rng.integers(0, 256, (3, 2, 2), dtype=np.uint8)
    for index, image in enumerate(images):
        expected = [
            Spike(tick, neuron)
            for tick in range(7)
            for neuron, pixel in enumerate(PIXELS)
            if mask[image.flat[pixel], tick]
        ]
        assert encoder.spikes(image) == expected == listed(encoder.spike_list(images), index)

    ticks = np.flatnonzero(mask.any(axis=0))
    assert (encoder.first_tick, encoder.last_tick) == (ticks[0], ticks[-1])
    assert encoder.most_spikes == mask.sum(axis=1).max()


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.zeros((256, 3), np.uint8), "encoder.spikes: no intensity ever fires"),
        (np.full((256, 3), 2, np.uint8), "encoder.spikes: must be 0 or 1"),
        (np.ones((255, 3), np.uint8), "encoder.spikes: must have 256 rows"),
        (np.ones((256, 0), np.uint8), "encoder.spikes: must have 256 rows, and a column"),
        (np.ones((256, 3), np.int16), "encoder.spikes: must be uint8, not int16"),
        (None, "encoder.spikes: and encoder.spike_tick exclude each other; give one"),
    ],
)
def test_invalid_mask(mask, sentence):
    with pytest.raises(InputError, match=sentence):
        Intensity((2, 2), 1, PIXELS, mask=mask)


def test_where_one_tick_is_wanted_a_mask_is_refused():
    encoder = Intensity((2, 2), 1, PIXELS, mask=np.ones((256, 2), np.uint8))
    with pytest.raises(InputError, match=r"encoder.spikes: can be several per pixel; take"):
        encode(encoder, np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(InputError, match=r"encoder: takes events, and images are wanted here"):
        image_encoder(Events(4))
    assert image_encoder(encoder) is encoder
