"""Data sets for tests: generated, and as small as they may be."""

import numpy as np

from sim.data import yin_yang as source
from sim.data.dataset import Dataset


def yin_yang(count=6000, seed=0):
    """The yin-yang set, of another size or draw than the commands use."""
    return Dataset("yin-yang", source.CLASSES, *source.generate(count, seed))


RECIPE = (
    *("--dataset", "yin-yang", "--hidden", "20", "--epochs", "1"),
    *("--warp", "0", "--batch", "64"),
)
"""Options of a training that takes a second."""

CODE = ("--bright", "192,128,64", "--bright-ticks", "0,1,2", "--dark-tick", "3")
"""Several input ticks, without which yin-yang cannot be learnt."""


def patterns(count, seed):
    """Draw three kinds of 8 x 8 images: a bright third, with a fifth of all pixels flipped."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count).astype(np.uint8)
    bright = np.arange(8)[:, np.newaxis] * 3 // 8 == labels[:, np.newaxis, np.newaxis]
    flipped = rng.random((count, 8, 8)) < 0.2
    return np.where((bright | np.zeros(8, bool)) ^ flipped, 255, 0).astype(np.uint8), labels


PATTERNS = Dataset("patterns", ("top", "middle", "bottom"), *patterns(1200, 0), *patterns(300, 1))
"""What a network of a few neurons learns in place within seconds."""
