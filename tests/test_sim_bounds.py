"""Bounds of states hold over random networks of all kinds, and are reached."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leaky_networks import leaky_network, random_samples
from random_networks import (
    any_network,
    bounds_of,
    random_network,
    seeds,
    written_out,
)
from sim.bounds import PATIENCE, Premise
from sim.fixed_point import Bounds, union
from sim.neuron import Neuron
from sim.pipeline import run

PREMISE = Premise(4, 1, 24, spikes_per_source=1, only_sources=True)
OFTEN = replace(PREMISE, spikes_per_source=25)
PLAIN = {"ramp": False, "synapse": 0}


def test_bounds_by_hand():
    # T = 3, R = 4: the potential starts at -12 and is -15 at tick 1; then 23 ticks at -5 or +4
    bounds = bounds_of(Neuron(3), Bounds(-2, 7), PREMISE)
    assert (bounds.current, bounds.potential) == (Bounds(-5, 4), Bounds(-130, 77))
    assert bounds.bits == 9


def test_bounds_of_a_window_by_hand():
    # spikes from tick 1 on, sums up to tick 4: each weight counts three times; start is there too
    neuron = Neuron(5, ramp=False, window=(4, 3))
    bounds = bounds_of(neuron, Bounds(-2, 7), PREMISE, start=10)
    assert (bounds.current, bounds.potential) == (Bounds(-2, 7), Bounds(4, 31))


def test_bounds_of_an_output_by_hand():
    bounds = bounds_of(Neuron(1, ramp=False, reset="never"), Bounds(-2, 7), PREMISE, start=-100)
    assert (bounds.current, bounds.potential) == (Bounds(-2, 7), Bounds(-146, 61))


def test_bounds_with_sources_that_spike_twice_by_hand():
    # the second spike of each source comes a tick later: 23 + 22 ticks; T (R + K) = 84
    bounds = bounds_of(Neuron(3), Bounds(-2, 7), replace(PREMISE, spikes_per_source=2))
    assert (bounds.current, bounds.potential) == (Bounds(-7, 11), Bounds(-174, 231))


def test_bounds_of_several_spikes_by_hand():
    # at most 161 comes in; spike 2 needs 168 at the last tick: one spike takes 84, and 3
    bounds = bounds_of(Neuron(3, reset="subtract"), Bounds(-2, 7), PREMISE)
    assert (bounds.current, bounds.potential) == (Bounds(-8, 4), Bounds(-214, 77))


@pytest.mark.parametrize(
    ("fields", "premise", "start", "current", "potential"),
    [
        # what comes once counts once, whatever leaks; what comes at every tick adds up
        ({"reset": "never", "membrane": 128}, PREMISE, 0, (-2, 7), (-2, 7)),
        ({"reset": "never", "membrane": 128}, OFTEN, 0, (-2, 7), (-3, 13)),
        ({"reset": "never"}, OFTEN, 0, (-2, 7), (-46, 161)),
        # a spike comes from 5 at most: T - 1 = 4, and 7 more; then from 0
        ({"reset": "zero", "threshold": 5}, OFTEN, 0, (-2, 7), (-46, 11)),
        # 4 is below T, and 7 more; then 5 is taken at each tick where 7 comes
        ({"reset": "subtract", "threshold": 5}, OFTEN, 0, (-2, 7), (-46, 11 + 21 * 2)),
        # half of T is left, and T taken: -3, and then -2; half of 4 is left, and 7 comes
        ({"reset": "subtract", "threshold": 5, "membrane": 128}, OFTEN, 0, (-2, 7), (-5, 9)),
        # weights enter four times as large
        ({"reset": "never", "fraction": 2}, PREMISE, 0, (-8, 28), (-8, 28)),
        # a start leaks, and its sum with what comes is never over both
        ({"reset": "never", "membrane": 0}, OFTEN, 50, (-2, 7), (-2, 50)),
        # a current of 7, 3, 1, 0 on a potential that holds: 11 together, of 14 without rounding
        ({"reset": "never", "synapse": 128}, PREMISE, 0, (-2, 7), (-4, 14)),
    ],
)
def test_bounds_of_plain_neurons_by_hand(fields, premise, start, current, potential):
    neuron = Neuron(**{"threshold": 9} | PLAIN | fields)
    bounds = bounds_of(neuron, Bounds(-2, 7), premise, start)
    assert (bounds.current, bounds.potential) == (Bounds(*current), Bounds(*potential))


def test_bounds_over_a_long_stream():
    """What leaks settles; what does not goes on for as long as the stream."""
    stream = replace(PREMISE, last_tick=2**30, spikes_per_source=2**30 + 1)
    # a 256th, rounded up, is as much as what comes: at 6 * 256 + 1, and at -1 * 256 - 1
    leaky = bounds_of(Neuron(9, 255, reset="never", **PLAIN), Bounds(-2, 7), stream)
    assert leaky.potential == Bounds(-257, 1537)

    sums = bounds_of(Neuron(9, reset="never", **PLAIN), Bounds(0, 1), stream)
    assert sums.potential == Bounds(0, 2**30 - 1)
    assert PATIENCE < 2**30


@given(seeds, st.sampled_from([any_network, random_network, leaky_network]))
def test_no_state_leaves_its_bounds(seed, draw):
    network = draw(seed)
    trace = run(network, random_samples(network, 1, seed)[0])
    for index, layer in enumerate(network.layers):
        bounds = network.bounds(index)
        neurons = layer.neurons(network.ticks_per_unit)
        for tick in range(trace.tick + 1):
            if tick > 0:
                neurons.advance()
            own = neurons.fire()
            assert_inside(neurons.potential, bounds.potential)
            for spike in trace.spikes[index]:
                if spike.tick == tick:
                    neurons.deliver(spike.neuron)
            for neuron in own if layer.recurrent is not None else ():
                neurons.add(layer.recurrent[neuron])
            if layer.bias is not None:
                neurons.add(layer.bias)
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
                bounds = bounds_of(layer.neuron, inflow, network.premise(index), start)
                for narrow, wide in zip(
                    (bounds.current, bounds.potential),
                    (widest.current, widest.potential),
                    strict=True,
                ):
                    assert wide.low <= narrow.low <= narrow.high <= wide.high


@given(seeds)
def test_plain_neurons_are_driven_to_their_bounds(seed):
    """Spikes of all positive weights at every tick drive neurons that only sum, or whose spikes put
    them to 0, up to their bounds; those of all negative ones drive them down.
    """
    rng = np.random.default_rng(seed)
    reset = str(rng.choice(["never", "once", "zero"]))
    membrane, synapse = int(rng.integers(0, 257)), int(rng.choice([0, 0, 128, 250]))
    neuron = Neuron(int(rng.integers(1, 60)), membrane, synapse, reset, ramp=False)
    inflow = Bounds(-int(rng.integers(0, 40)), int(rng.integers(0, 40)))

    ticks = int(rng.integers(1, 20))
    premise = Premise(1, 0, ticks, spikes_per_source=ticks + 1, only_sources=True)
    bounds = bounds_of(neuron, inflow, premise)
    lowest, _ = driven(neuron, inflow.low, ticks)
    assert lowest == (bounds.current.low, bounds.potential.low)

    # a neuron that fires at its level is highest when it was just below it
    _, highest = driven(neuron, inflow.high, ticks)
    assert highest[0] == bounds.current.high
    if reset == "zero":
        assert highest[1] <= bounds.potential.high
    else:
        assert highest[1] == bounds.potential.high


def driven(neuron, weight, ticks):
    """Return the lowest and the highest (current, potential) of a neuron that gets a sum of weights
    at every tick.
    """
    current = potential = 0
    seen = [(0, 0)]
    for tick in range(ticks + 1):
        if tick > 0:
            potential = int(potential * neuron.membrane / 256) + current
            current = int(current * neuron.synapse / 256)
            seen.append((current, potential))
        if neuron.reset == "zero" and potential >= neuron.threshold:
            potential = 0
        current += weight
        seen.append((current, potential))
    currents, potentials = zip(*seen, strict=True)
    return (min(currents), min(potentials)), (max(currents), max(potentials))
