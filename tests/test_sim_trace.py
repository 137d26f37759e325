"""Two traces are compared in time: the first difference is the one that is named."""

from dataclasses import replace

import numpy as np
import pytest

from sim.neuron import Spike
from sim.trace import Trace, difference

TRACE = Trace(
    decision=1,
    tick=3,
    timed_out=False,
    spikes=[[Spike(0, 0), Spike(2, 1)], [Spike(1, 4), Spike(2, 0)]],
    potential=np.array([-5, 7]),
)


def test_equal_traces_have_no_difference():
    assert difference(TRACE, replace(TRACE, potential=TRACE.potential.copy())) is None


@pytest.mark.parametrize(
    ("spikes", "sentence"),
    [
        (
            [[Spike(0, 0)], TRACE.spikes[1]],
            "tick 2, layer 0, event 1: expected neuron 1 at tick 2, found no event",
        ),
        (
            [TRACE.spikes[0], [*TRACE.spikes[1], Spike(2, 3)]],
            "tick 2, layer 1, event 2: expected no event, found neuron 3 at tick 2",
        ),
        (
            [TRACE.spikes[0], [Spike(2, 0), Spike(2, 0)]],
            "tick 1, layer 1, event 0: expected neuron 4 at tick 1, found neuron 0 at tick 2",
        ),
        # both layers differ: the earlier tick comes first, whatever its layer
        (
            [[Spike(0, 0), Spike(2, 7)], [Spike(1, 5), Spike(2, 0)]],
            "tick 1, layer 1, event 0: expected neuron 4 at tick 1, found neuron 5 at tick 1",
        ),
        # at one tick, the lower layer
        (
            [[Spike(0, 0), Spike(2, 7)], [Spike(1, 4), Spike(2, 9)]],
            "tick 2, layer 0, event 1: expected neuron 1 at tick 2, found neuron 7 at tick 2",
        ),
    ],
)
def test_the_first_event_that_differs_is_named(spikes, sentence):
    assert difference(TRACE, replace(TRACE, spikes=spikes)) == sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tick": 4, "decision": 0}, "tick: expected 3, found 4"),
        ({"decision": 0, "timed_out": True}, "decision: expected 1, found 0"),
        ({"timed_out": True}, "timed_out: expected False, found True"),
        ({"potential": np.array([-5, 8])}, "tick 3, potential of output 1: expected 7, found 8"),
    ],
)
def test_the_decision_comes_after_the_events(change, sentence):
    assert difference(TRACE, replace(TRACE, **change)) == sentence
    other = replace(TRACE, spikes=[[], TRACE.spikes[1]], **change)
    assert difference(TRACE, other) == (
        "tick 0, layer 0, event 0: expected neuron 0 at tick 0, found no event"
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"output_spikes": None}, "spikes of outputs: expected [3 1], found None"),
        (
            {"output_spikes": np.array([3, 2])},
            "tick 3, spikes of output 1: expected 1, found 2",
        ),
        ({"recurrent": [0, 2]}, "recurrent rows: expected [1, 2], found [0, 2]"),
        ({"bias": None}, "bias rows: expected [0, 3], found []"),
    ],
)
def test_rows_and_spikes_of_its_own_are_compared(change, sentence):
    own = {"recurrent": [1, 2], "bias": [0, 3], "output_spikes": np.array([3, 1])}
    whole = replace(TRACE, **own)
    assert difference(whole, whole) is None
    assert difference(whole, replace(whole, **change)) == sentence
    assert whole.to_json() == TRACE.to_json() | {
        "recurrent": [1, 2],
        "bias": [0, 3],
        "spikes": [3, 1],
    }


def test_json_counts_the_events_of_every_layer():
    assert TRACE.to_json() == {
        "decision": 1,
        "tick": 3,
        "timed_out": False,
        "events": [2, 2],
        "potential": [-5, 7],
    }
