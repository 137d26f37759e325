"""The split, the generated set, warps, and spikes that equal the contract's encoder."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from random_networks import random_images, random_network, seeds
from sim.data.dataset import Dataset
from sim.encoders.intensity import NEVER
from sim.encoders.intensity import encode as reference
from sim.errors import InputError
from train.data import Warp, batches, split, warp, yin_yang
from train.encoders.intensity import encode
from train.settings import Settings


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


def test_yin_yang_has_three_classes_and_repeats():
    first, again, other = yin_yang(600, 3), yin_yang(600, 3), yin_yang(600, 4)
    assert np.array_equal(first.train_images, again.train_images)
    assert not np.array_equal(first.train_images, other.train_images)
    assert (len(first.train_labels), len(first.test_labels)) == (600, 100)
    assert (np.bincount(first.train_labels, minlength=3) > 30).all()
    half = first.train_images.reshape(600, 4).astype(int)
    assert (half[:, :2] + half[:, 2:] == 255).all()


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_input_spikes_are_the_contracts(seed):
    network = random_network(seed)
    images = random_images(network, 9, seed)
    found = encode(network.encoder, torch.tensor(images)).times()
    ticks = reference(network.encoder, images)
    expected = np.where(ticks == NEVER, np.inf, ticks).astype(np.float32)
    np.testing.assert_array_equal(found.numpy(), expected)


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


def test_lost_spikes_are_rare_and_never_new():
    network = random_network(3)
    spikes = encode(network.encoder, torch.tensor(random_images(network, 4000, 1)))
    noisy = spikes.drop(0.25, torch.Generator().manual_seed(1), 4000, slice(4000))
    before, after = (sum(part.sum() for part in some.spikes) for some in (spikes, noisy))
    assert all(
        (after <= before).all() for before, after in zip(spikes.spikes, noisy.spikes, strict=True)
    )
    assert 0.72 < after / before < 0.78


def test_batches_cover_all_but_a_rest():
    seen = torch.cat(list(batches(103, 10, torch.Generator().manual_seed(2))))
    assert len(seen) == 100
    assert len(set(seen.tolist())) == 100
    assert sum(len(part) for part in batches(7, 10, torch.Generator())) == 7


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 9, 9, dtype=torch.uint8), torch.zeros(2, 28, 28)]
)
def test_other_images_are_refused(images):
    with pytest.raises(InputError, match=r"images: must be uint8 \(n, 28, 28\), not torch"):
        encode(Settings().encoder(28, 28), images)
