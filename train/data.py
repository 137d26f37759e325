"""What training sees: a fixed split, a small generated set, and warped copies of the images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sim.data.dataset import Dataset
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


def load(name: str, folder: Path | None = None) -> Split:
    """Load ``yin-yang`` (generated) or a data set of :func:`sim.data.dataset.load`, split into
    three.

    :raises InputError: unknown name, missing or damaged files.
    """
    return split(yin_yang() if name == "yin-yang" else load_images(name, folder))


def split(dataset: Dataset) -> Split:
    """Set a fixed twelfth of the training images aside for validation: 55,000 / 5,000 / 10,000 for
    MNIST.
    """
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


def yin_yang(count: int = 6000, seed: int = 0) -> Dataset:
    """Generate the yin-yang set (Kriener 2021) as images of 2 x 2 intensities: x, y, 255 - x, 255 -
    y.

    Its three classes (yin, yang, dots) need a hidden layer and several input ticks, and train in
    seconds.
    """
    rng = np.random.default_rng(seed)
    total = count + count // 6
    points = rng.uniform(-1, 1, (4 * total, 2))
    points = points[np.hypot(points[:, 0], points[:, 1]) <= 1][:total]
    right, left = (np.hypot(points[:, 0] - centre, points[:, 1]) for centre in (0.5, -0.5))
    dots = (right < 0.2) | (left < 0.2)
    yang = (left <= 0.5) | ((points[:, 1] > 0) & (right > 0.5))
    labels = np.where(dots, 2, yang.astype(np.uint8)).astype(np.uint8)
    intensity = np.rint((points + 1) * 127.5).astype(np.uint8)
    images = np.concatenate([intensity, 255 - intensity], axis=1).reshape(-1, 2, 2)
    return Dataset(
        "yin-yang",
        ("yin", "yang", "dots"),
        images[:count],
        labels[:count],
        images[count:],
        labels[count:],
    )


@dataclass(frozen=True)
class Warp:
    """How strongly images are warped during training; 0 switches a part off.

    :param turn_degrees: rotation, and ``scale``, ``shear`` are fractions: uniform in plus or minus
        so much.
    :param shift_pixels: uniform; ``elastic_pixels`` is the standard deviation of a smooth random
        displacement.
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

        turn = uniform(math.radians(self.turn_degrees))
        wide, high, shear = 1 + uniform(self.scale), 1 + uniform(self.scale), uniform(self.shear)
        across, down = (
            uniform(2 * self.shift_pixels / width),
            uniform(2 * self.shift_pixels / height),
        )
        first = torch.stack([turn.cos() * wide, shear - turn.sin() * wide, across], dim=1)
        second = torch.stack([turn.sin() * high, turn.cos() * high, down], dim=1)
        size = [GRIDS, 1, height, width]
        grid = functional.affine_grid(
            torch.stack([first, second], dim=1), size, align_corners=False
        )
        coarse = (
            torch.randn(GRIDS, 2, 6, 6, generator=generator)
            * self.elastic_pixels
            * 2
            / min(height, width)
        )
        smooth = functional.interpolate(
            coarse, size=(height, width), mode="bicubic", align_corners=True
        )
        return grid + smooth.permute(0, 2, 3, 1)


def warp(images: Tensor, grids: Tensor) -> Tensor:
    """Sample images uint8 (n, height, width), each on its grid (n, height, width, 2); the result is
    uint8 again.
    """
    sampled = functional.grid_sample(
        images.unsqueeze(1).float(), grids, align_corners=False
    ).squeeze(1)
    return sampled.round_().to(torch.uint8)


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the indices 0 ... count-1 in random order, ``size`` at a time; a smaller rest is left
    out.
    """
    order = torch.randperm(count, generator=generator)
    yield from order[: count - count % size if count > size else count].split(size)
