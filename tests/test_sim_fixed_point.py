"""Rounding has one rule, and a width is the narrowest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.fixed_point import WeightFormat, signed_bits


@pytest.mark.parametrize(
    ("bits", "low", "high"), [(1, -1, 0), (2, -2, 1), (4, -8, 7), (8, -128, 127)]
)
def test_range(bits, low, high):
    assert (WeightFormat(bits).low, WeightFormat(bits).high) == (low, high)


def test_halves_round_to_even_and_ends_saturate():
    values = np.array([-9.0, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 9.0])
    assert WeightFormat(4).round(values).tolist() == [-8, -2, -2, 0, 0, 2, 2, 7]


@given(st.integers(-(2**40), 2**40))
def test_signed_bits_is_the_narrowest_width(value):
    bits = signed_bits(value)
    assert -(1 << (bits - 1)) <= value < 1 << (bits - 1)
    assert bits == 1 or not -(1 << (bits - 2)) <= value < 1 << (bits - 2)
