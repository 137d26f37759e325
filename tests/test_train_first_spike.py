"""The readout in training decides as the machine's does; between ticks the first one alone."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sim.readouts.first_spike import FirstSpike
from train.readouts.first_spike import decide
from train.readouts.verdict import Outputs


def outputs(time, potential, on_grid=True, last_tick=6):
    """Return outputs that fire at these times, with these potentials at any tick."""
    found = Outputs(
        torch.tensor(time), torch.zeros(1, 1), torch.zeros(1, 1), 1, 1, last_tick, on_grid
    )
    object.__setattr__(found, "potential", lambda tick: torch.tensor(potential))
    return found


@pytest.mark.parametrize(
    ("time", "potential", "decision", "tick", "timed_out"),
    [
        ([2.5, 2.1, 9.0], [5.0, 3.0, -1.0], 0, 3, False),  # both at tick 3: the highest
        ([2.5, 2.1, 2.2], [5.0, 5.0, 5.0], 0, 3, False),  # then the lowest index
        ([3.0, 2.0, 9.0], [-1.0, 0.0, -2.0], 1, 2, False),  # a tick itself counts
        ([6.0, math.inf, 7.0], [0.0, -3.0, -1.0], 0, 6, False),  # the last tick counts
        ([6.1, math.inf, 7.0], [-3.0, -1.0, -2.0], 1, 6, True),
        ([math.inf] * 3, [-3.0, -1.0, -1.0], 1, 6, True),
    ],
)
def test_on_the_grid(time, potential, decision, tick, timed_out):
    found = decide(outputs([time], [potential]))
    assert found.decision.tolist() == [decision]
    assert found.tick.tolist() == [tick]
    assert found.timed_out.tolist() == [timed_out]


@given(st.lists(st.integers(-4, 3), min_size=1, max_size=8))
def test_potentials_of_a_tick_are_judged_as_the_machine_does(potential):
    values = np.array(potential)
    output = SimpleNamespace(potential=values, reached=lambda: values >= 0)
    time = [1.5 if value >= 0 else 3.5 for value in potential]
    found = decide(outputs([time], [[float(value) for value in potential]], last_tick=3))
    assert int(found.decision) == FirstSpike().winner(output)
    assert (found.tick.tolist() == [2.0]) == FirstSpike().ended(output)


def test_between_ticks_the_first_wins_whatever_its_potential():
    """Its potential is 0 but for rounding, and may come out below another's."""
    times = [[2.5, 2.1, 9.0], [7.0, 8.0, math.inf]]
    found = decide(outputs(times, [[0.1, -1e-9, -1.0], [-2.0, -1.0, -5.0]], on_grid=False))
    assert found.decision.tolist() == [1, 1]
    assert found.tick.tolist() == pytest.approx([2.1, 6.0])
    assert found.timed_out.tolist() == [False, True]
