"""What the bench reads out of raw words, and what it feeds: against layouts of Amaranth, and sim's
own spikes.
"""

import random

import numpy as np
from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from hypothesis import given

from hw.bench.engine import Run, to_words
from hw.bench.trace import field, input_events, pixels, split_images
from hw.events import Kind, event, pixel
from random_networks import random_images, random_network, seeds


@given(seeds)
def test_fields_are_read_wherever_they_begin(seed):
    """Structures of random fields, signed or not, some across the end of a word."""
    rng = random.Random(seed)
    widths = [rng.randrange(1, 33) for _ in range(rng.randrange(1, 7))]
    shapes = {
        f"field_{index}": rng.choice((signed, unsigned))(width)
        for index, width in enumerate(widths)
    }
    array = data.ArrayLayout(data.StructLayout(shapes), 2)
    layout = data.StructLayout({"before": rng.randrange(1, 33), "array": array})
    numbers = [rng.getrandbits(layout.size) for _ in range(4)]
    words = to_words(numbers, layout.size)
    for index, name in ((index, name) for index in range(2) for name in shapes):
        expected = [getattr(layout.from_bits(number).array[index], name) for number in numbers]
        assert field(words, layout, "array", index, name).tolist() == expected


@given(seeds)
def test_input_events_are_the_spikes_of_sim_closed_by_an_end(seed):
    network = random_network(seed)
    images, layout = random_images(network, 3, seed), event(network)
    beats = input_events(network, images)
    for image, found in zip(images, beats, strict=True):
        spikes = [layout.from_bits(beat) for beat in found[:-1]]
        assert {beat.kind for beat in spikes} <= {Kind.SPIKE}
        assert [(beat.tick, beat.neuron) for beat in spikes] == network.encoder.spikes(image)
        assert layout.from_bits(found[-1]).kind == Kind.END

    flat = [beat for image in beats for beat in image]
    run = Run(to_words(flat, layout.size), np.zeros((0, 1), np.uint32), 0)
    assert split_images(run, network) == beats


def test_pixels_are_intensities_and_the_last_is_marked():
    images = np.random.default_rng(1).integers(0, 256, (2, 3, 4)).astype(np.uint8)
    for image, beats in zip(images, pixels(images), strict=True):
        found = [pixel().from_bits(beat) for beat in beats]
        assert [beat.intensity for beat in found] == image.ravel().tolist()
        assert [beat.last for beat in found] == [0] * 11 + [1]
