"""The order and the ties of a decision, in both forms."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from sim.compiled import is_ended, start, winner
from sim.readouts.first_spike import FirstSpike


@njit
def compiled(readout, potential):
    memory = start(readout, len(potential))
    return is_ended(readout, memory, potential, 0), winner(readout, memory, potential, None)


@pytest.mark.parametrize(
    ("potential", "ended", "chosen"),
    [
        ([-3, -1, -2], False, 1),
        ([-1, -1, -2], False, 0),
        ([-3, 0, -2], True, 1),
        ([0, 2, 1], True, 1),
        ([1, 2, 2], True, 1),
    ],
)
def test_highest_potential_then_lowest_index(potential, ended, chosen):
    assert verdict(np.array(potential)) == (ended, chosen)


@given(st.lists(st.integers(-4, 2), min_size=1, max_size=12))
def test_compiled_decides_alike(potential):
    values = np.array(potential, np.int32)
    assert compiled(FirstSpike().compiled(), values) == verdict(values)


def verdict(potential):
    output = SimpleNamespace(potential=potential, reached=lambda: potential >= 0)
    decider = FirstSpike().start(len(potential))
    return decider.ended(output), decider.winner(output)
