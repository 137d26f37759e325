"""The yin-yang set (Kriener 2021), generated: small, and not to be separated by lines.

A point of the disc becomes an image of 2 x 2 intensities: x, y, 255 - x, 255 - y. The three classes
need a hidden layer and several input ticks, and train in seconds.
"""

from pathlib import Path

import numpy as np

from sim.data.idx import Arrays
from sim.files import AnyPath

CLASSES = ("yin", "yang", "dots")

DOT_RADIUS, HALF_RADIUS = 0.2, 0.5
"""Of the two dots, and of the half circles around them; the disc has radius 1."""


def read(folder: AnyPath | None) -> Arrays:
    """Generate the set that every command uses; there are no files, so ``folder`` is ignored."""
    folder = None if folder is None else Path(folder)
    return generate()


def generate(count: int = 6000, seed: int = 0) -> Arrays:
    """Generate ``count`` training images and a sixth as many test images, and their labels."""
    rng = np.random.default_rng(seed)
    total = count + count // 6
    points = rng.uniform(-1, 1, (4 * total, 2))
    points = points[np.hypot(points[:, 0], points[:, 1]) <= 1][:total]

    right, left = (np.hypot(points[:, 0] - centre, points[:, 1]) for centre in (0.5, -0.5))
    dots = (right < DOT_RADIUS) | (left < DOT_RADIUS)
    yang = (left <= HALF_RADIUS) | ((points[:, 1] > 0) & (right > HALF_RADIUS))
    labels = np.where(dots, 2, yang.astype(np.uint8)).astype(np.uint8)

    intensity = np.rint((points + 1) * 127.5).astype(np.uint8)
    images = np.concatenate([intensity, 255 - intensity], axis=1).reshape(-1, 2, 2)
    return images[:count], labels[:count], images[count:], labels[count:]
