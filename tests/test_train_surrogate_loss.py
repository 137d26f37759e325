"""Losses are negative logarithms of chances."""

import pytest
import torch

from train.surrogate.loss import LOSSES, Outputs, Sharpness, deciding

SHARPNESS = Sharpness(8.0, 5.0)


def test_chances_of_all_classes_sum_to_one():
    generator = torch.Generator().manual_seed(1)
    potential = torch.randn((6, 7, 4), generator=generator)
    spikes = (potential > 1).float()
    for name, loss in LOSSES.items():
        if name == "every-tick":
            continue
        chances = [
            (-loss(Outputs(potential, spikes), torch.full((6,), label), SHARPNESS)).exp()
            for label in range(4)
        ]
        torch.testing.assert_close(torch.stack(chances).sum(dim=0), torch.ones(6))


def test_the_first_spike_decides_and_what_comes_later_does_not():
    potential = torch.full((1, 3, 2), -5.0)
    potential[0, 1] = torch.tensor([3.0, 0.0])  # decided here, for class 0
    potential[0, 2] = torch.tensor([0.0, 9.0])
    outputs = Outputs(potential, torch.zeros_like(potential))
    right, wrong = (
        float(LOSSES["first-spike"](outputs, torch.tensor([label]), SHARPNESS)) for label in (0, 1)
    )
    assert right == pytest.approx(0.0, abs=1e-3)
    assert wrong > 10


def test_at_the_last_tick_it_is_decided():
    end, before = deciding(torch.full((1, 4, 2), -3.0), SHARPNESS)
    total = (end + before).exp().sum(dim=1)
    torch.testing.assert_close(total, torch.ones(1))
    assert before[0, -1] == pytest.approx(0.0, abs=1e-6)


def test_a_peak_is_that_of_all_ticks():
    potential = torch.zeros((1, 3, 2))
    potential[0, 1, 1] = 2.0
    outputs = Outputs(potential, torch.zeros_like(potential))
    sums = torch.tensor([3.0, 2.0 + torch.tensor(10.0).exp()])
    expected = (sums.sum() / sums[1]).log()
    found = LOSSES["peak"](outputs, torch.tensor([1]), SHARPNESS)
    torch.testing.assert_close(found, expected.view(1))
    assert LOSSES["end"](outputs, torch.tensor([1]), SHARPNESS) > found
