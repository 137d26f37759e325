"""A neuron is possible, or refused in one sentence; its bounds hold, and are reached."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from random_networks import any_network, random_images, random_network, seeds, written_out
from sim.connections.dense import Dense
from sim.errors import InputError
from sim.fixed_point import Bounds, union
from sim.neuron import Adaptation, Neuron, Neurons, Premise
from sim.pipeline import run

PREMISE = Premise(4, 1, 24, spikes_per_source=1, only_sources=True)


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
        ({"membrane": 128}, "membrane: 128 is not possible in this version; take 256"),
        ({"synapse": 0}, "synapse: 0 is not possible in this version; take 256"),
        ({"reset": "zero"}, "reset: zero with a ramp and without a window is not possible"),
        ({"reset": "never"}, "reset: never with a ramp and without a window is not possible"),
        ({"ramp": False}, "reset: once without a ramp and without a window is not possible"),
        ({"fraction": 4}, "fraction: 4 is not possible"),
        (
            {"window": (9, 3), "ramp": False, "reset": "subtract"},
            "reset: subtract without a ramp and with a window is not possible in this version",
        ),
        ({"adaptation": Adaptation(416, 10)}, "adaptation: .* is not possible"),
        ({"competition": "position"}, "competition: position is not possible"),
        ({"strength": 4, "ramp": False, "window": (3, 1)}, "strength: 4 is not possible"),
    ],
)
def test_what_the_machine_cannot_run(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Neuron(3, **fields)


def test_bounds_by_hand():
    # T = 3, R = 4: the potential starts at -12 and is -15 at tick 1; then 23 ticks at -5 or +4
    bounds = Neuron(3).bounds(Bounds(-2, 7), PREMISE)
    assert (bounds.current, bounds.potential) == (Bounds(-5, 4), Bounds(-130, 77))
    assert bounds.bits == 9


def test_bounds_of_a_window_by_hand():
    # spikes from tick 1 on, sums up to tick 4: each weight counts three times; start is there too
    neuron = Neuron(5, ramp=False, window=(4, 3))
    bounds = neuron.bounds(Bounds(-2, 7), PREMISE, start=10)
    assert (bounds.current, bounds.potential) == (Bounds(-2, 7), Bounds(4, 31))


def test_bounds_of_an_output_by_hand():
    bounds = Neuron(1, ramp=False, reset="never").bounds(Bounds(-2, 7), PREMISE, start=-100)
    assert (bounds.current, bounds.potential) == (Bounds(-2, 7), Bounds(-146, 61))


def test_bounds_with_sources_that_spike_twice_by_hand():
    # the second spike of each source comes a tick later: 23 + 22 ticks; T (R + K) = 84
    bounds = Neuron(3).bounds(Bounds(-2, 7), replace(PREMISE, spikes_per_source=2))
    assert (bounds.current, bounds.potential) == (Bounds(-7, 11), Bounds(-174, 231))


def test_bounds_of_several_spikes_by_hand():
    # at most 161 comes in; spike 2 needs 168 at the last tick: one spike takes 84, and 3
    bounds = Neuron(3, reset="subtract").bounds(Bounds(-2, 7), PREMISE)
    assert (bounds.current, bounds.potential) == (Bounds(-8, 4), Bounds(-214, 77))


def test_where_more_than_sources_is_added_nothing_is_proved():
    with pytest.raises(InputError, match="widths: are proved only where nothing but sources"):
        Neuron(3).bounds(Bounds(-2, 7), replace(PREMISE, only_sources=False))


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


@given(seeds, st.booleans())
def test_no_state_leaves_its_bounds(seed, mixed):
    network = any_network(seed) if mixed else random_network(seed)
    image = random_images(network, 1, seed)[0]
    trace = run(network, image)
    for index, layer in enumerate(network.layers):
        bounds = network.bounds(index)
        neurons = layer.neurons(network.ticks_per_unit)
        for tick in range(trace.tick + 1):
            if tick > 0:
                neurons.advance()
            neurons.fire()
            for spike in trace.spikes[index]:
                if spike.tick == tick:
                    neurons.deliver(spike.neuron)
            assert_inside(neurons.current, bounds.current)
            assert_inside(neurons.potential, bounds.potential)


def assert_inside(values, bounds):
    assert bounds.low <= values.min() <= values.max() <= bounds.high


@given(seeds, st.booleans())
def test_first_layer_reaches_its_bounds(seed, mixed):
    """Bright pixels exactly where a neuron's weights are positive (negative) drive it to its upper
    (lower) bound, if what it fires is not subtracted.
    """
    network = any_network(seed) if mixed else random_network(seed)
    layer, first = network.layers[0], network.encoder.first_tick
    assume(layer.neuron.reset != "subtract")

    bounds = network.bounds(0)
    reached = set()
    synapses = written_out(layer.connection)
    for neuron in range(layer.fan_out):
        for chosen in (synapses[:, neuron] > 0, synapses[:, neuron] < 0):
            neurons = layer.neurons(network.ticks_per_unit)
            reached |= {int(neurons.potential[neuron]), ("current", int(neurons.current[neuron]))}
            for tick in range(network.last_tick + 1):
                if tick > 0:
                    neurons.advance()
                if tick == first:
                    for source in np.flatnonzero(chosen):
                        neurons.deliver(int(source))
                    reached.add(("current", int(neurons.current[neuron])))
            reached.add(int(neurons.potential[neuron]))
    assert {("current", bounds.current.low), ("current", bounds.current.high)} <= reached
    assert {bounds.potential.low, bounds.potential.high} <= reached


@given(seeds, st.booleans())
def test_no_weights_of_the_format_leave_the_bounds_of_the_format(seed, mixed):
    network = any_network(seed) if mixed else random_network(seed)
    for index, layer in enumerate(network.layers):
        widest = network.bounds(index, any_weights=True)
        for value in (layer.form.low, layer.form.high):
            found = layer.with_weight(np.full_like(layer.weight, value)).connection.inflows()
            inflow = union([*found, Bounds(0, 0)])
            for start in set(layer.starts().tolist()):
                bounds = layer.neuron.bounds(inflow, network.premise(index), start)
                for narrow, wide in zip(
                    (bounds.current, bounds.potential),
                    (widest.current, widest.potential),
                    strict=True,
                ):
                    assert wide.low <= narrow.low <= narrow.high <= wide.high
