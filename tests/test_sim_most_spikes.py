"""The order and the ties of spike counts, in both forms."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from sim.compiled import is_ended, start, winner
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.layer import Layer
from sim.network import Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.most_spikes import MostSpikes
from small_network import CODE


@njit
def compiled(readout, potential, spikes):
    memory = start(readout, len(potential))
    return is_ended(readout, memory, potential, 0), winner(readout, memory, potential, spikes)


@pytest.mark.parametrize(
    ("spikes", "potential", "chosen"),
    [
        ([0, 2, 1], [9, 0, 9], 1),
        ([2, 2, 1], [3, 4, 9], 1),
        ([2, 1, 2], [3, 9, 3], 0),
        ([0, 0, 0], [-3, -2, -2], 1),
    ],
)
def test_most_spikes_then_highest_potential_then_lowest_index(spikes, potential, chosen):
    output = SimpleNamespace(spikes=np.array(spikes), potential=np.array(potential))
    assert MostSpikes().start(3).winner(output) == chosen
    assert not MostSpikes().start(3).ended(output)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 3)), min_size=1, max_size=9))
def test_compiled_decides_alike(states):
    spikes, potential = (np.array(each, np.int32) for each in zip(*states, strict=True))
    output = SimpleNamespace(spikes=spikes, potential=potential.astype(np.int64))
    expected = False, MostSpikes().winner(output)
    assert compiled(MostSpikes().compiled(), potential, spikes) == expected


@pytest.mark.parametrize(
    ("reset", "spikes", "potential"),
    [
        # 3 and 2 of level 3 at every tick from tick 1 on, up to tick 4
        ("zero", [4, 2], [0, 0]),
        ("subtract", [4, 2], [3, 2]),
        ("once", [1, 1], [12, 8]),
    ],
)
def test_spikes_of_the_last_tick_count(reset, spikes, potential):
    """A constant input: one delivery at tick 0 into a current that holds."""
    output = Layer(Dense(np.array([[3, 2]], np.int8)), Neuron(3, reset=reset, ramp=False))
    encoder = Intensity((1, 1), 1, np.array([0], np.int32), CODE)
    network = Network(encoder, (output,), MostSpikes(), 1, 4, ("a", "b"))
    trace = run(network, np.array([[255]], np.uint8))
    assert trace.output_spikes.tolist() == spikes
    assert trace.potential.tolist() == potential
    assert (trace.tick, trace.timed_out, trace.decision) == (4, False, 0)
