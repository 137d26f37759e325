"""The order and the ties of peaks, in both forms."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from sim.compiled import is_ended, start, winner
from sim.neuron import Neuron
from sim.readouts.peak import NO_LEVEL, Peak


@njit
def compiled(readout, potentials, level):
    memory = start(readout, potentials.shape[1])
    ended = False
    for tick in range(len(potentials)):
        ended = is_ended(readout, memory, potentials[tick], level)
        if ended:
            break
    return ended, winner(readout, memory, potentials[tick], None)


def verdict(potentials, level):
    decider, neuron = Peak().start(potentials.shape[1]), Neuron(level, ramp=False, reset="never")
    ended = False
    for potential in potentials:
        output = SimpleNamespace(
            potential=potential, neuron=neuron, reached=lambda now=potential: now >= level
        )
        ended = decider.ended(output)
        if ended:
            break
    return ended, decider.winner(output)


@pytest.mark.parametrize(
    ("potentials", "level", "ended", "chosen"),
    [
        ([[1, 2], [4, 3]], 9, False, 0),
        ([[1, 4], [4, 3]], 9, False, 1),  # a later tick must be strictly higher
        ([[4, 4], [3, 3]], 9, False, 0),
        ([[1, 2], [9, 3], [0, 50]], 9, True, 0),  # what comes after the level is not seen
        ([[9, 10], [20, 0]], 9, True, 1),
        ([[-5, -4], [-9, -9]], 9, False, 1),
        ([[1, NO_LEVEL], [3, 3]], NO_LEVEL, False, 1),  # no level is no level
    ],
)
def test_earlier_tick_then_lowest_index(potentials, level, ended, chosen):
    values = np.array(potentials)
    assert verdict(values, level) == compiled(Peak().compiled(), values, level) == (ended, chosen)


@given(st.lists(st.lists(st.integers(-3, 4), min_size=3, max_size=3), min_size=1, max_size=5))
def test_compiled_decides_alike(potentials):
    values = np.array(potentials)
    assert verdict(values, 4) == compiled(Peak().compiled(), values, 4)
