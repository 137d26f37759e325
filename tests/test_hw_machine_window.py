"""Neurons in a window, and outputs that only sum, against their twin: every spike and potential of
every tick, with any lanes, and with pauses inside a row.
"""

import numpy as np
import pytest
from hypothesis import given, settings

from first_layers import assert_as_in_software
from hw.bench.simulate import Simulation, simulate
from hw.machine.window import WindowNeurons
from hw.parameters import MachineParameters
from random_networks import seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.final import Final


@settings(max_examples=40)
@given(seeds)
def test_they_do_as_their_twins_do(seed):
    assert_as_in_software(seed, True, WindowNeurons)


def window_network(weights, threshold, ticks, start=None):
    """One layer in a window of so many ticks, and an output that counts the ticks that each of its
    neurons had left.
    """
    weights = np.array(weights, np.int8)
    inputs, hidden = weights.shape
    spike_tick = np.where(np.arange(256) > 0, 0, -1).astype(np.int16)
    neurons = (
        Layer(
            Dense(weights),
            Neuron(threshold, ramp=False, window=(1, ticks)),
            start=None if start is None else np.array(start, np.int32),
        ),
        Layer(Dense(np.ones((hidden, 1), np.int8)), Neuron(1, ramp=False, reset="never")),
    )
    encoder = Intensity((1, inputs), 1, np.arange(inputs, dtype=np.int32), spike_tick)
    return Network(encoder, neurons, Final(), 1, 1 + ticks, ("sum",))


def cycles(network, lanes, image):
    """How long an image takes, after every boundary was compared with sim."""
    images = np.array([[image]], np.uint8)
    (found,) = simulate(Simulation(MachineParameters(network, lanes), "amaranth"), images)
    return found.cycles


def test_later_passes_visit_only_folds_that_may_fire():
    """8 folds of 2 lanes, 7 ticks. The first pass visits all folds; each of six later ones takes 3
    cycles to begin, and one for each fold in which a neuron reached T. The spikes of all but one
    fold cost a cycle more than what the passes hide.
    """
    quiet = cycles(window_network([[1] * 16], 2, 7), 2, [255])
    assert quiet == cycles(window_network([[0] * 16], 2, 7), 2, [255])
    for folds in (1, 2, 5, 8):
        weights = [[1] * (16 - 2 * folds) + [2] * 2 * folds]
        found = cycles(window_network(weights, 2, 7), 2, [255])
        assert found - quiet == 6 * (3 + folds) + folds - 1


@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
def test_start_is_not_forgotten_where_no_event_comes(lanes):
    """Without an event the first pass reads what a sample starts from; the padding lanes do not
    fire.
    """
    network = window_network([[0] * 4], 2, 3, [6, 1, 2, 13])
    (found,) = simulate(
        Simulation(MachineParameters(network, lanes), "amaranth"), np.zeros((1, 1, 1), np.uint8)
    )
    assert found.trace.potential.tolist() == [3 + 0 + 1 + 3]


def test_what_is_left_of_an_image_that_was_cut_is_forgotten():
    network = window_network([[3, 1], [1, 3]], 2, 3, [1, 0])
    images = np.array([[[255, 0]], [[0, 0]], [[0, 255]]], np.uint8)
    for lanes in (1, 2):
        assert (
            len([*simulate(Simulation(MachineParameters(network, lanes), "amaranth"), images)]) == 3
        )
