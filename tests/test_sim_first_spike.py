"""The order and the ties of a decision, in both forms."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from sim.compiled import decide, start
from sim.readouts.first_spike import FirstSpike


@njit
def compiled(readout, potential):
    return decide(readout, start(readout, len(potential)), potential)


@pytest.mark.parametrize(
    ("potential", "ended", "winner"),
    [
        ([-3, -1, -2], False, 1),
        ([-1, -1, -2], False, 0),
        ([-3, 0, -2], True, 1),
        ([0, 2, 1], True, 1),
        ([1, 2, 2], True, 1),
    ],
)
def test_highest_potential_then_lowest_index(potential, ended, winner):
    output = SimpleNamespace(potential=np.array(potential))
    assert FirstSpike().start(3).decide(output) == (ended, winner)


@given(st.lists(st.integers(-4, 2), min_size=1, max_size=12))
def test_compiled_decides_alike(potential):
    values = np.array(potential, np.int32)
    verdict = FirstSpike().start(len(values)).decide(SimpleNamespace(potential=values))
    assert compiled(FirstSpike().compiled(), values) == verdict
