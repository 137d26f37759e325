"""A neuron is possible, or refused in one sentence, and does what its equation says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.connections.dense import Dense
from sim.errors import InputError
from sim.neuron import Adaptation, Neuron, Neurons


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"threshold": 0}, r"threshold: must be in 1..2\^31 - 1, not 0"),
        ({"threshold": 3.0}, "threshold: must be in 1"),
        ({"membrane": 257}, "membrane: must be in 0..256, not 257"),
        ({"synapse": -1}, "synapse: must be in 0..256, not -1"),
        ({"reset": "twice"}, "reset: must be one of once, zero, subtract, never"),
        ({"ramp": 1}, "ramp: must be true or false, not 1"),
        ({"fraction": 9}, "fraction: must be in 0..8, not 9"),
        ({"window": (1, 2)}, "window: takes the place of the ramp"),
        ({"window": (0, 2), "ramp": False}, "window: must be two numbers of at least 1"),
        ({"window": 3, "ramp": False}, "window: must be two numbers"),
        ({"window": (3, 2), "ramp": False, "strength": 4}, "window: must be 1 tick long"),
        ({"competition": "all"}, "competition: must be layer, position or none"),
        ({"competition": "layer"}, "competition: of a layer needs reset zero"),
        ({"competition": "position", "reset": "zero"}, "competition: of a position needs reset"),
        ({"strength": 16}, "strength: must be in 0..15, not 16"),
        ({"strength": 1}, "strength: cannot go with a ramp"),
        ({"limit": -1}, "limit: must be at least 0, not -1"),
        ({"limit": 1}, "limit: needs reset zero or subtract"),
    ],
)
def test_what_no_neuron_is(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Neuron(**{"threshold": 3} | fields)


@pytest.mark.parametrize(("jump", "shift"), [(-1, 3), (2**31, 3), (416, 32), (416, "10")])
def test_what_no_adaptation_is(jump, shift):
    with pytest.raises(InputError, match=r"adaptation: (raise|shift) must be in 0"):
        Adaptation(jump, shift)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"membrane": 128}, "membrane: with a ramp must be 256"),
        ({"synapse": 0}, "synapse: with a ramp must be 256"),
        ({"reset": "zero"}, "reset: with a ramp must be once or subtract"),
        ({"reset": "never"}, "reset: with a ramp must be once or subtract"),
        ({"fraction": 4}, "fraction: with a ramp must be 0"),
        ({"window": (9, 3), "ramp": False, "synapse": 0}, "synapse: with a window must be 256"),
        (
            {"window": (9, 3), "ramp": False, "reset": "subtract"},
            "reset: with a window must be once",
        ),
        ({"adaptation": Adaptation(416, 10)}, "adaptation: .* is not possible"),
        ({"competition": "position"}, "competition: position is not possible"),
        ({"strength": 4, "ramp": False, "window": (3, 1)}, "strength: 4 is not possible"),
    ],
)
def test_what_the_machine_cannot_run(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Neuron(3, **fields)


def run_neuron(neuron, inputs, ticks, ticks_per_unit=4, start=0):
    """Return the ticks at which one neuron fires; inputs are (tick, weight)."""
    weight = np.array([[weight] for _, weight in inputs], np.int8)
    neurons = Neurons(neuron, Dense(weight), ticks_per_unit, np.array([start], np.int32))
    fired = []
    for tick in range(ticks + 1):
        if tick > 0:
            neurons.advance()
        fired += [tick] * len(neurons.fire())
        for source, (when, _) in enumerate(inputs):
            if when == tick:
                neurons.deliver(source)
    return fired, int(neurons.potential[0])


@given(st.integers(0, 2**32 - 1))
def test_a_window_is_a_clipped_rounded_relu(seed):
    """An input at tick t counts k0 - t times, and an activation of a fires at tick k0 + M - a."""
    rng = np.random.default_rng(seed)
    threshold, begin, length = (int(each) for each in rng.integers(1, [40, 6, 9]))
    inputs = [(int(rng.integers(0, begin)), int(rng.integers(-9, 20))) for _ in range(6)]
    start = int(rng.integers(-30, 60))

    total = start + sum(weight * (begin - tick) for tick, weight in inputs)
    activation = min(max(total // threshold, 0), length)
    neuron = Neuron(threshold, ramp=False, window=(begin, length))
    fired, potential = run_neuron(neuron, inputs, begin + length + 2, start=start)
    assert fired == ([begin + length - activation] if activation else [])
    assert potential == total


@given(st.integers(0, 2**32 - 1))
def test_spike_n_comes_where_n_thresholds_are_reached(seed):
    """Mostafa's formula, not divided out: sum w (z - z_i) >= n T z, at most one spike a tick."""
    rng = np.random.default_rng(seed)
    threshold, limit, unit, start = (
        int(each) for each in rng.integers([1, 0, 1, -9], [9, 4, 5, 30])
    )
    inputs = [(int(rng.integers(0, 8)), int(rng.integers(-9, 25))) for _ in range(6)]

    expected = []
    for tick in range(30):
        total = start + sum(weight * max(tick - when, 0) for when, weight in inputs)
        spike = len(expected) + 1
        if total >= spike * threshold * (unit + tick) and spike <= (limit or spike):
            expected.append(tick)
    neuron = Neuron(threshold, reset="subtract", limit=limit)
    assert run_neuron(neuron, inputs, 29, unit, start)[0] == expected


@given(st.integers(0, 2**32 - 1))
def test_an_output_that_never_fires_only_sums(seed):
    rng = np.random.default_rng(seed)
    inputs = [(int(rng.integers(0, 8)), int(rng.integers(-128, 128))) for _ in range(6)]
    fired, potential = run_neuron(Neuron(1, ramp=False, reset="never"), inputs, 9, start=-7)
    assert fired == []
    assert potential == sum(weight * (9 - tick) for tick, weight in inputs) - 7
