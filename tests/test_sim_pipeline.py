"""The integer machine against hand-made cases and against the neuron's closed form."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given

from random_networks import random_images, random_network, seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron, Spike
from sim.pipeline import run
from sim.readouts.first_spike import FirstSpike

BINARY = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)


def machine(weights, thresholds, ticks_per_unit=2, last_tick=12, code=BINARY):
    layers = tuple(
        Layer(Dense(np.array(w, np.int8)), Neuron(t))
        for w, t in zip(weights, thresholds, strict=True)
    )
    inputs = layers[0].fan_in
    encoder = Intensity((1, inputs), 1, np.arange(inputs, dtype=np.int32), code)
    return Network(
        encoder,
        layers,
        FirstSpike(),
        ticks_per_unit,
        last_tick,
        tuple(str(i) for i in range(layers[-1].fan_out)),
    )


def image(*pixels):
    return np.array([pixels], np.uint8)


def test_potential_is_the_ramp_plus_the_integral_of_the_current():
    # T = 4, R = 2, w = 8: the potential goes -8, -4, 0 and fires at tick 2: z = 2 = w / (w - 1)
    # with w = 8 / T.
    trace = run(machine([[[8]]], [4]), image(255))
    assert (trace.decision, trace.tick, trace.timed_out) == (0, 2, False)
    assert trace.potential.tolist() == [0]


def test_nothing_of_the_decision_tick_is_read():
    code = np.where(np.arange(256) > 200, 0, np.where(np.arange(256) > 100, 2, 1)).astype(np.int16)
    trace = run(machine([[[8], [0], [0]]], [4], code=code), image(255, 150, 50))
    assert trace.tick == 2
    assert trace.spikes[0] == [Spike(0, 0), Spike(1, 2)]


def test_hidden_spike_of_the_tick_before_the_decision_is_counted():
    # Hidden 0 fires at tick 2 and drives the output over its threshold; hidden 1 fires one tick
    # later.
    network = machine([[[8, 7], [0, 0]], [[127], [0]]], [4, 4])
    trace = run(network, image(255, 0))
    assert trace.spikes[1] == [Spike(2, 0)]
    assert trace.tick == 3
    assert trace.events == [1, 1]


def test_ties_go_to_the_highest_potential_then_to_the_lowest_index():
    assert run(machine([[[8, 9, 9]]], [4]), image(255)).decision == 1
    assert run(machine([[[8, 8]]], [4]), image(255)).decision == 0


def test_timeout_answers_with_the_highest_potential_and_counts_the_last_tick():
    code = np.where(np.arange(256) > 200, 0, 12).astype(np.int16)
    trace = run(machine([[[1, 2, 2], [3, 0, 0]]], [4], code=code), image(255, 0))
    assert (trace.decision, trace.tick, trace.timed_out) == (1, 12, True)
    assert trace.spikes[0] == [Spike(0, 0), Spike(12, 1)]


def test_a_neuron_fires_at_most_once():
    trace = run(machine([[[100, 100]], [[1], [-1]]], [4, 4]), image(255))
    assert trace.spikes[1] == [Spike(1, 0), Spike(1, 1)]


@given(seeds)
def test_every_spike_is_the_closed_form_rounded_up_to_the_grid(seed):
    """z = sum_C(w z) / (sum_C(w) - 1) over the causal set C (Mostafa 2017, eq. 5), in exact
    fractions.
    """
    network = random_network(seed)
    trace = run(network, random_images(network, 1, seed)[0])
    for layer, (into, out) in zip(
        network.layers, zip(trace.spikes, trace.spikes[1:], strict=False), strict=False
    ):
        times = {neuron: tick for tick, neuron in out}
        for neuron in range(layer.fan_out):
            tick = closed_form_tick(layer, neuron, into, network.ticks_per_unit)
            end = network.last_tick if trace.timed_out else trace.tick - 1
            assert times.get(neuron) == (tick if tick is not None and tick <= end else None)


def closed_form_tick(layer, neuron, spikes, ticks_per_unit):
    weight = [
        Fraction(int(layer.weight[spike.neuron, neuron]), layer.threshold) for spike in spikes
    ]
    z = [1 + Fraction(spike.tick, ticks_per_unit) for spike in spikes]
    for count in range(1, len(spikes) + 1):
        total = sum(weight[:count])
        if total > 1:
            fires = sum(w * x for w, x in zip(weight[:count], z, strict=False)) / (total - 1)
            tick = ceil((fires - 1) * ticks_per_unit)
            if count == len(spikes) or tick <= spikes[count].tick:
                return tick
    return None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (np.zeros((1, 2), np.float32), "must be uint8"),
        (np.zeros((2, 2), np.uint8), r"must have shape \(n, 1, 2\)"),
    ],
)
def test_wrong_images_are_refused(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        run(machine([[[1], [1]]], [4]), wrong)
