"""Rounding inside the training loop: one rule, gradients that pass, thresholds that fit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.fixed_point import WeightFormat
from train.quantize import choose_threshold, round_weight


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 500))
def test_rounds_as_the_contract_does(seed, bits, threshold):
    weight = np.random.default_rng(seed).normal(0, 1, (7, 5))
    found = round_weight(torch.tensor(weight), threshold, bits)
    expected = WeightFormat(bits).round(weight * threshold)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_halves_round_to_even():
    found = round_weight(torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5]), 1, 8)
    assert found.tolist() == [0, 2, 2, 0, -2, -2]


@pytest.mark.parametrize("bits", range(2, 9))
def test_saturated_weights_only_move_inwards(bits):
    form = WeightFormat(bits)
    weight = torch.tensor(
        [form.high + 3.0, form.low - 3.0, 0.3, form.high + 3.0, form.low - 3.0], requires_grad=True
    )
    rounded = round_weight(weight, 1, bits)
    assert rounded.tolist() == [form.high, form.low, 0, form.high, form.low]
    rounded.backward(
        torch.tensor([-1.0, 1.0, 5.0, 1.0, -1.0])
    )  # descent moves against the gradient
    assert weight.grad.tolist() == [0, 0, 5, 1, -1]


def test_gradient_is_on_the_scale_of_the_real_weight():
    weight = torch.tensor([0.1], requires_grad=True)
    round_weight(weight, 40, 8).backward()
    assert weight.grad.tolist() == [40]


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_threshold_has_the_least_error_among_all(bits):
    generator = torch.Generator().manual_seed(bits)
    weight = torch.randn(200, 30, generator=generator) * 0.1
    form = WeightFormat(bits)

    def error(threshold):
        return (form.round(weight * threshold) / threshold - weight).square().sum().item()

    best = min(error(threshold) for threshold in range(1, 3000))
    assert error(choose_threshold(weight, bits)) <= 1.05 * best


def test_threshold_of_zero_weights_exists():
    assert choose_threshold(torch.zeros(3, 2), 4) >= 1
