"""A neuron is possible, or refused in one sentence; its bounds hold, and are reached."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from random_networks import random_images, random_network, seeds
from sim.errors import InputError
from sim.fixed_point import Bounds
from sim.network import Network
from sim.neuron import Adaptation, Neuron, Neurons, Premise
from sim.pipeline import run

PREMISE = Premise(4, 1, 24, sources_spike_once=True, only_sources=True)


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
        ({"reset": "zero"}, "reset: zero is not possible in this version; take once"),
        ({"ramp": False}, "ramp: False is not possible"),
        ({"fraction": 4}, "fraction: 4 is not possible"),
        ({"window": (9, 3), "ramp": False}, "ramp: False is not possible"),
        ({"adaptation": Adaptation(416, 10)}, "adaptation: .* is not possible"),
        ({"competition": "position"}, "competition: position is not possible"),
        ({"reset": "subtract", "limit": 2}, "reset: subtract is not possible"),
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


@pytest.mark.parametrize("premise", ["sources_spike_once", "only_sources"])
def test_without_its_premises_nothing_is_proved(premise):
    with pytest.raises(InputError, match="widths: are proved only where each weight is added"):
        Neuron(3).bounds(Bounds(-2, 7), replace(PREMISE, **{premise: False}))


@given(seeds)
def test_no_state_leaves_its_bounds(seed):
    network = random_network(seed)
    image = random_images(network, 1, seed)[0]
    trace = run(network, image)
    for index, layer in enumerate(network.layers):
        bounds = network.bounds(index)
        current, potential = bounds.current, bounds.potential
        neurons = Neurons(layer.neuron, layer.connection, network.ticks_per_unit)
        for tick in range(trace.tick + 1):
            if tick > 0:
                neurons.advance()
            assert (
                potential.low
                <= neurons.potential.min()
                <= neurons.potential.max()
                <= potential.high
            )
            for spike in trace.spikes[index]:
                if spike.tick == tick:
                    neurons.deliver(spike.neuron)
            assert current.low <= neurons.current.min() <= neurons.current.max() <= current.high


@given(seeds)
def test_first_layer_reaches_its_bounds(seed):
    """Bright pixels exactly where a neuron's weights are positive (negative) drive it to its upper
    (lower) bound.
    """
    network = random_network(seed)
    layer = network.layers[0]
    first = int(np.flatnonzero(network.encoder.spike_tick == network.encoder.first_tick)[0])
    bounds = network.bounds(0)
    current, potential = bounds.current, bounds.potential
    reached = set()
    for neuron in range(layer.fan_out):
        for chosen in (layer.weight[:, neuron] > 0, layer.weight[:, neuron] < 0):
            neurons = Neurons(layer.neuron, layer.connection, network.ticks_per_unit)
            reached.add(int(neurons.potential[neuron]))
            for tick in range(network.last_tick + 1):
                if tick > 0:
                    neurons.advance()
                if tick == network.encoder.first_tick:
                    for row in np.flatnonzero(chosen):
                        neurons.deliver(int(row))
                    reached.add(("current", int(neurons.current[neuron])))
            reached.add(int(neurons.potential[neuron]))
    assert first >= 0
    assert {
        ("current", current.low),
        ("current", current.high),
        potential.low,
        potential.high,
    } <= reached


@given(seeds)
def test_no_weights_of_the_format_leave_the_bounds_of_the_format(seed):
    network = random_network(seed)
    for index, layer in enumerate(network.layers):
        widest = network.bounds(index, any_weights=True)
        for value in (layer.form.low, layer.form.high):
            other = layer.with_weight(np.full_like(layer.weight, value))
            layers = (*network.layers[:index], other, *network.layers[index + 1 :])
            bounds = Network.bounds(replace(network, layers=layers), index)
            assert widest.current.low <= bounds.current.low
            assert bounds.current.high <= widest.current.high
            assert widest.potential.low <= bounds.potential.low
            assert bounds.potential.high <= widest.potential.high
            if value < 0:
                assert bounds.current.low == widest.current.low
            elif value > 0:
                assert bounds.potential.high == widest.potential.high
