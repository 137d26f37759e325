"""Training's encoder fires as the contract's does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from random_networks import random_images, random_network, seeds
from sim.encoders.intensity import NEVER
from sim.encoders.intensity import encode as reference
from sim.errors import InputError
from train.encoders.intensity import encode
from train.settings import TrainSettings


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_input_spikes_are_the_contracts(seed):
    network = random_network(seed)
    images = random_images(network, 9, seed)
    found = encode(network.encoder, torch.tensor(images)).times()
    ticks = reference(network.encoder, images)
    expected = np.where(ticks == NEVER, np.inf, ticks).astype(np.float32)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_lost_spikes_are_rare_and_never_new():
    network = random_network(3)
    spikes = encode(network.encoder, torch.tensor(random_images(network, 4000, 1)))
    noisy = spikes.drop(0.25, torch.Generator().manual_seed(1), 4000, slice(4000))
    before, after = (sum(part.sum() for part in some.spikes) for some in (spikes, noisy))
    assert all(
        (after <= before).all() for before, after in zip(spikes.spikes, noisy.spikes, strict=True)
    )
    assert 0.72 < after / before < 0.78


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 9, 9, dtype=torch.uint8), torch.zeros(2, 28, 28)]
)
def test_other_images_are_refused(images):
    with pytest.raises(InputError, match=r"images: must be uint8 \(n, 28, 28\), not torch"):
        encode(TrainSettings().encoder(28, 28), images)
