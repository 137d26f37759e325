"""The split, and warps."""

import numpy as np
import torch

from sim.data.dataset import Dataset
from train.data import Warp, batches, split, warp


def numbered(count):
    images = np.zeros((count, 2, 2), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    labels = (np.arange(count) % 7).astype(np.uint8)
    return Dataset("numbers", tuple("abcdefg"), images, labels, images[:5], labels[:5])


def test_split_is_fixed_disjoint_and_complete():
    parts = split(numbered(1200))
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (1100, 100, 5)
    numbers = [
        part.images[:, 0, 0].int() + 256 * part.images[:, 0, 1].int()
        for part in (parts.train, parts.validation)
    ]
    assert sorted(torch.cat(numbers).tolist()) == list(range(1200))
    for part, number in zip((parts.train, parts.validation), numbers, strict=True):
        assert torch.equal(part.labels, (number % 7).long())
    assert torch.equal(split(numbered(1200)).validation.images, parts.validation.images)


def test_mnist_splits_as_the_papers_do():
    parts = split(numbered(60000))
    assert (len(parts.train), len(parts.validation)) == (55000, 5000)


def test_no_warp_is_the_identity():
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (20, 28, 28), generator=generator, dtype=torch.uint8)
    assert torch.equal(warp(images, Warp().scaled(0).grids(28, 28, generator)[:20]), images)


def test_warps_move_ink_and_keep_most_of_it():
    generator = torch.Generator().manual_seed(1)
    images = torch.zeros(50, 28, 28, dtype=torch.uint8)
    images[:, 10:18, 10:18] = 255
    grids = Warp().grids(28, 28, generator)
    warped = warp(images, grids[torch.randint(len(grids), (50,), generator=generator)])
    ink = warped.float().sum(dim=(1, 2)) / images.float().sum(dim=(1, 2))
    assert (warped != images).flatten(1).any(dim=1).all()
    assert 0.6 < ink.min() <= ink.max() < 1.6


def test_batches_cover_all_but_a_rest():
    seen = torch.cat(list(batches(103, 10, torch.Generator().manual_seed(2))))
    assert len(seen) == 100
    assert len(set(seen.tolist())) == 100
    assert sum(len(part) for part in batches(7, 10, torch.Generator())) == 7
