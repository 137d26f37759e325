"""The reference traces of the documentation: landmarks, golden numbers, another method."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from docs.continuous import (
    REST,
    adaptive_threshold,
    hodgkin_huxley,
    hodgkin_huxley_derivative,
    integrate,
    rates,
    spike_times,
)

STEP_MS = 0.05


def potential(current, steps, rise=0.0):
    start = REST.copy()
    start[0] += rise
    return hodgkin_huxley(np.full(steps, current), STEP_MS, start)[:, 0]


def test_hodgkin_and_huxley_rest_at_65_mv():
    """Gates at rest as in every textbook: 0.05, 0.6, 0.32."""
    found = hodgkin_huxley(np.zeros(600), STEP_MS)
    assert np.abs(found[:, 0] + 65).max() < 0.01
    opening, closing = rates(-65.0)
    assert np.abs(opening / (opening + closing) - REST[1:]).max() < 1e-15
    assert np.abs(REST[1:] - (0.0529, 0.5961, 0.3177)).max() < 1e-4


def test_a_rise_of_7_mv_is_a_spike_and_one_of_6_is_none():
    """Figure 12 of Hodgkin & Huxley 1952, where spikes are about 100 mV high."""
    assert potential(0.0, 200, rise=6).max() == -59
    for rise in (7, 15, 90):
        highest = potential(0.0, 200, rise=rise).max() + 65
        assert 100 < highest < 110


def test_it_fires_68_times_a_second_at_10_and_not_for_long_below_the_onset():
    """The onset of repetitive firing is at 6.3 uA/cm^2, at 50 Hz and more (Rinzel 1978)."""
    period = np.diff(spike_times(potential(10.0, 1000), STEP_MS))[-1]
    assert 68.0 < 1000 / period < 68.6
    below = spike_times(potential(6.0, 1500), STEP_MS)
    assert len(below) < 3
    above = spike_times(potential(6.5, 1500), STEP_MS)
    assert len(above) == 4
    assert 50 < 1000 / np.diff(above)[-1] < 60


def test_golden_numbers_of_the_same_method_and_step():
    """A step up and down, 40 ms: the method of Dormand and Prince, written out without SciPy."""
    current = np.concatenate([np.zeros(100), np.full(400, 10.0), np.full(300, -3.0)])
    found = hodgkin_huxley(current, STEP_MS)
    state = REST.tolist()
    for index, held in enumerate(current):
        state = dormand_prince(state, held, STEP_MS)
        assert abs(state[0] - found[index + 1, 0]) < 1e-9
    assert len(spike_times(found[:, 0], STEP_MS)) == 2
    for index, value in GOLDEN_MV.items():
        assert abs(found[index, 0] - value) < 1e-9


GOLDEN_MV = {
    1: -64.99979221461221,
    100: -64.9931704445982,
    141: 36.6358139831939,
    160: 3.427022854542341,
    434: -22.547966734773453,
    501: -75.14547860736074,
    800: -68.79041936949366,
}
"""Potentials after so many steps, also on the steep side of a spike."""


def derivative(state, current):
    v, m, h, n = state
    rates_of = (
        (1.0 if v == -40 else 0.1 * (v + 40) / (1 - math.exp(-(v + 40) / 10)), m, 4, 65, 18),
        (0.07 * math.exp(-(v + 65) / 20), h, None, 0, 0),
        (0.1 if v == -55 else 0.01 * (v + 55) / (1 - math.exp(-(v + 55) / 10)), n, 0.125, 65, 80),
    )
    gates = []
    for opening, gate, scale, shift, width in rates_of:
        if scale is None:
            closing = 1 / (1 + math.exp(-(v + 35) / 10))
        else:
            closing = scale * math.exp(-(v + shift) / width)
        gates.append(opening * (1 - gate) - closing * gate)
    sodium, potassium = 120 * m**3 * h * (v - 50), 36 * n**4 * (v + 77)
    return [current - sodium - potassium - 0.3 * (v + 54.387), *gates]


def dormand_prince(state, current, step):
    """One step of order 5, from the published table."""
    table = [
        [],
        [1 / 5],
        [3 / 40, 9 / 40],
        [44 / 45, -56 / 15, 32 / 9],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
    slopes = []
    for row in table[:6]:
        at = [
            value
            + step * sum(weight * slope[part] for weight, slope in zip(row, slopes, strict=True))
            for part, value in enumerate(state)
        ]
        slopes.append(derivative(at, current))
    return [
        value
        + step * sum(weight * slope[part] for weight, slope in zip(table[6], slopes, strict=True))
        for part, value in enumerate(state)
    ]


def test_another_method_comes_to_the_same_spikes():
    """LSODA, which chooses its own steps."""
    mine = spike_times(potential(10.0, 1000), STEP_MS)
    times = np.arange(1001) * STEP_MS
    other = solve_ivp(
        lambda time, state: hodgkin_huxley_derivative(state, 10.0),
        (0, times[-1]),
        REST,
        method="LSODA",
        t_eval=times,
        rtol=1e-9,
        atol=1e-10,
    )
    theirs = spike_times(other.y[0], STEP_MS)
    assert len(mine) == len(theirs) == 4
    assert np.abs(mine - theirs).max() < 1e-3


def test_a_leaky_membrane_is_its_exponential():
    """The current is held: within a step nothing but the method is wrong."""
    current = np.array([10.0, 10.0, -4.0, 0.0, 25.0])
    found = integrate(lambda state, held: (held - state) / 10, np.array([0.0]), current, 0.5)
    wanted = 0.0
    for index, held in enumerate(current):
        wanted = held + (wanted - held) * math.exp(-0.05)
        assert found[index + 1, 0] == pytest.approx(wanted, abs=1e-9)


def test_an_adaptive_threshold_makes_each_interval_longer_until_it_settles():
    found, spikes = adaptive_threshold(np.full(3000, 30.0), 0.1)
    # up to the first spike it is the leaky neuron: tau ln(I / (I - level))
    assert 0 <= spikes[0] - 10 * math.log(30 / 20) < 0.1
    intervals = np.diff(spikes)
    assert (np.diff(intervals) > -0.11).all()
    assert intervals[-1] > 2 * spikes[0]
    assert intervals[-1] == pytest.approx(intervals[-2], abs=0.11)

    # settled: what a spike adds is lost again by the next one
    raised = found[round(spikes[-1] / 0.1), 1] - 10
    assert raised == pytest.approx(5 / (1 - math.exp(-intervals[-1] / 60)), rel=0.01)
