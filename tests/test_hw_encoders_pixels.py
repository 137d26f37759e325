"""Before the encoder: images of any length, and 2x2 pooling, against Python's own."""

import random
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.encoders.pixels import SAMPLE, Framing, Pooling
from random_networks import seeds

LAST, BROKEN = 1 << 8, 1 << 9


def sent(component, images, seed):
    """Run beats through a component, with random pauses for odd seeds; return what comes out."""
    pauses = seed % 1000 if seed % 2 else None
    run = AmaranthEngine(component).run(Stimulus(images, closing=LAST, seed=pauses))
    return run.outputs.ravel().tolist()


@settings(max_examples=20)
@given(seeds)
def test_an_image_of_the_wrong_length_ends_broken(seed):
    """Too short, right, too long; what is beyond its size is ignored, and its last pixel passes."""
    rng = random.Random(seed)
    height, width = rng.randrange(1, 4), rng.randrange(1, 4)
    size, images, expected = height * width, [], []
    for _ in range(6):
        length = rng.choice((size, rng.randrange(1, 2 * size + 2)))
        image = [rng.randrange(256) for _ in range(length)]
        images.append([*image[:-1], image[-1] | LAST])
        expected += image[: min(length, size) - 1]
        expected.append(image[-1] | LAST | BROKEN * (length != size))
    encoder = SimpleNamespace(image_shape=(height, width))
    assert sent(Framing(encoder), images, seed) == expected


@settings(max_examples=20)
@given(seeds)
def test_squares_are_summed_and_divided_by_four(seed):
    """Between whole images, some that break off at any place: nothing of them is left."""
    rng = np.random.default_rng(seed)
    height, width = (2 * int(size) for size in rng.integers(1, 4, 2))
    row, column = np.divmod(np.arange(height * width), width)
    images, expected = [], []
    for broken in rng.permutation([0, 0, 0, 1, 1]).tolist():
        image = rng.integers(0, 256, (height, width))
        pooled = image.reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3)) // 4
        length = int(rng.integers(1, height * width + 1)) if broken else height * width
        beats = image.ravel()[:length].tolist()
        images.append([*beats[:-1], beats[-1] | LAST | BROKEN * broken])
        squares = int(((row & column & 1) == 1)[: length - 1].sum())
        expected += pooled.ravel()[:squares].tolist()
        expected.append("broken" if broken else int(pooled[-1, -1]) | LAST)
    found = sent(Pooling(SimpleNamespace(image_shape=(height, width))), images, seed)
    assert SAMPLE.size == 10
    assert ["broken" if beat & BROKEN else beat for beat in found] == expected
