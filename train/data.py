"""What training sees: a fixed split of a data set, and warped copies of its images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sim.data.dataset import Dataset, digest_of
from sim.data.dataset import load as load_images

GRIDS = 1024
"""Number of different warps drawn per epoch; each image is given one of them."""


@dataclass(frozen=True, eq=False)
class Part:
    """Images uint8 (n, height, width) and their labels int64 (n,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Split:
    """A data set in three parts; nothing is ever chosen on ``test``."""

    name: str
    classes: tuple[str, ...]
    train: Part
    validation: Part
    test: Part

    @cached_property
    def digest(self) -> str:
        """What tells this data from other data, 16 hexadecimal digits."""
        parts = (self.train, self.validation, self.test)
        arrays = [tensor.numpy() for part in parts for tensor in (part.images, part.labels)]
        return digest_of(self.classes, arrays)


def load(name: str, folder: Path | None = None) -> Split:
    """Load a data set as :func:`sim.data.dataset.load` does, and split it into three.

    :raises InputError: unknown name, missing or damaged files, or a part that would be empty.
    """
    return split(load_images(name, folder))


def split(dataset: Dataset) -> Split:
    """Set a fixed twelfth of the training images aside for validation: 55,000 / 5,000 / 10,000 for
    MNIST.

    :raises InputError: one of the parts would be empty.
    """
    dataset.check_trainable()
    train, validation = dataset.split()
    images, labels = dataset.train_images, dataset.train_labels
    return Split(
        dataset.name,
        dataset.classes,
        _part(images[train], labels[train]),
        _part(images[validation], labels[validation]),
        _part(dataset.test_images, dataset.test_labels),
    )


def _part(images: np.ndarray, labels: np.ndarray) -> Part:
    return Part(torch.tensor(images), torch.tensor(labels, dtype=torch.int64))


@dataclass(frozen=True)
class Warp:
    """How strongly images are warped during training; 0 switches a part off.

    What is uniform is drawn from minus to plus the value.

    :param turn_degrees: rotation, uniform.
    :param scale: fraction by which each side grows or shrinks, uniform.
    :param shear: fraction of the width by which the top moves against the bottom, uniform.
    :param shift_pixels: in both directions, uniform.
    :param elastic_pixels: standard deviation of a smooth random displacement.
    """

    turn_degrees: float = 10.0
    scale: float = 0.1
    shear: float = 0.1
    shift_pixels: float = 1.2
    elastic_pixels: float = 0.7

    def scaled(self, strength: float) -> "Warp":
        """Return this warp with every part ``strength`` times as strong."""
        return Warp(*(strength * value for value in vars(self).values()))

    def grids(self, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Draw sampling grids (GRIDS, height, width, 2) for :func:`warp`."""

        def uniform(extent: float) -> Tensor:
            return (2 * torch.rand(GRIDS, generator=generator) - 1) * extent

        # an affine map; coordinates run from -1 to 1, so a pixel is 2 / width
        turn = uniform(math.radians(self.turn_degrees))
        wide, high, shear = 1 + uniform(self.scale), 1 + uniform(self.scale), uniform(self.shear)
        across = uniform(2 * self.shift_pixels / width)
        down = uniform(2 * self.shift_pixels / height)
        first = torch.stack([turn.cos() * wide, shear - turn.sin() * wide, across], dim=1)
        second = torch.stack([turn.sin() * high, turn.cos() * high, down], dim=1)
        affine = torch.stack([first, second], dim=1)
        grid = functional.affine_grid(affine, [GRIDS, 1, height, width], align_corners=False)

        # a displacement drawn for 6 x 6 points is smooth between them
        drawn = torch.randn(GRIDS, 2, 6, 6, generator=generator)
        coarse = drawn * self.elastic_pixels * 2 / min(height, width)
        smooth = functional.interpolate(
            coarse, size=(height, width), mode="bicubic", align_corners=True
        )
        return grid + smooth.permute(0, 2, 3, 1)


def warp(images: Tensor, grids: Tensor) -> Tensor:
    """Sample images uint8 (n, height, width), each on its grid (n, height, width, 2); the result is
    uint8 again.
    """
    channel = images.unsqueeze(1).float()
    sampled = functional.grid_sample(channel, grids, align_corners=False).squeeze(1)
    return sampled.round_().to(torch.uint8)


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the indices 0 ... count-1 in random order, ``size`` at a time; a smaller rest is
    ignored, unless it is all there is.
    """
    order = torch.randperm(count, generator=generator)
    used = count - count % size if count > size else count
    yield from order[:used].split(size)
