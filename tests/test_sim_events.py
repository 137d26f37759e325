"""Lists of events: what they are, and what they are not; a network takes them as they come."""

import numpy as np
import pytest
from hypothesis import given

from leaky_networks import leaky_network, random_samples
from random_networks import seeds
from sim.encoders.events import EventList, Events
from sim.errors import InputError
from sim.neuron import Spike
from sim.pipeline import run

TWO = EventList(
    np.array([0, 2, 2, 1], np.int32),
    np.array([3, 0, 1, 2], np.int32),
    np.array([0, 3, 4], np.int64),
    np.array([1, 0], np.int64),
)


def changed(**changes):
    arrays = {key: getattr(TWO, key) for key in ("tick", "input", "start", "label")}
    return EventList(**arrays | changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tick": np.array([2, 0, 2, 1], np.int32)}, "tick: falls at event 1; sort the events"),
        ({"tick": np.array([-1, 2, 2, 1], np.int32)}, "tick: must be at least 0"),
        ({"tick": np.array([0, 2, 2, 1], np.int64)}, "tick: must be int32, not int64"),
        ({"input": np.array([3, 1, 0, 2], np.int32)}, "input: falls within a tick at event 2"),
        ({"input": np.array([3, 1, 1, 2], np.int32)}, "input: spikes twice at one tick, event 2"),
        ({"input": np.array([3, 1], np.int32)}, "input: needs 4 values, as many as tick"),
        ({"start": np.array([0, 3], np.int64)}, "start: must go from 0 to 4"),
        ({"start": np.array([1, 4], np.int64)}, "start: must go from 0 to 4"),
        ({"start": np.array([0, 3, 1, 4], np.int64)}, "start: must not fall"),
        ({"start": np.zeros(0, np.int64)}, "start: must go from"),
        ({"label": np.array([1], np.int64)}, "label: needs 2 values, one per sample, not 1"),
    ],
)
def test_what_no_list_is(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        changed(**changes)


def test_samples_are_parts_of_a_list():
    assert len(TWO) == 2
    assert Events(4).spikes(TWO[0]) == [Spike(0, 3), Spike(2, 0), Spike(2, 1)]
    assert Events(4).spikes(TWO[-1]) == [Spike(1, 2)]
    assert (TWO[1].start.tolist(), TWO[1].label.tolist()) == ([0, 1], [0])
    assert len(TWO[:0]) == len(TWO[2:]) == 0
    with pytest.raises(IndexError):
        TWO[2]


def test_a_list_ends_where_it_has_no_sample():
    assert [len(sample.tick) for sample in TWO] == [3, 1]


@given(seeds)
def test_cutting_a_list_keeps_every_sample(seed):
    network = leaky_network(seed)
    if not isinstance(network.encoder, Events):
        return
    samples = random_samples(network, 5, seed)
    first, last = sorted(np.random.default_rng(seed).integers(0, 6, 2))
    part = samples[first:last]
    assert len(part) == last - first
    for index in range(len(part)):
        assert network.encoder.spikes(part[index]) == network.encoder.spikes(samples[first + index])


def test_events_that_do_not_fit_a_network_are_refused():
    network = next(
        each
        for each in map(leaky_network, range(50))
        if isinstance(each.encoder, Events) and each.encoder.inputs == 4
    )
    late = EventList(
        np.array([network.last_tick + 1], np.int32), np.array([0], np.int32), np.array([0, 1])
    )
    for samples, sentence in (
        (late, f"tick: {network.last_tick + 1} is after the network's last tick"),
        (changed(input=np.array([4, 0, 1, 2], np.int32))[0], "input: 4 is not one of the 4 inputs"),
        (TWO, "events: must be one sample, not 2"),
        (np.zeros((1, 2, 2), np.uint8), "events: this network takes events, not images"),
    ):
        with pytest.raises(InputError, match=sentence):
            run(network, samples)


@pytest.mark.parametrize("inputs", [0, 2**20 + 1, 4.0, True])
def test_what_no_encoder_of_events_is(inputs):
    with pytest.raises(InputError, match=r"encoder.inputs: must be in 1..1048576"):
        Events(inputs)
