"""What travels on the streams: every layout holds the largest value that there may be."""

import pytest
from hypothesis import given

from hw.bench.trace import end_of_image
from hw.events import Kind, Status, event, event_counts, learnt, lesson, outcome, result, verdict
from random_networks import random_network, seeds
from sim.learning.supervised import SKIP_LEVELS


def values(content):
    """Read everything back that was put into a constant, structure by structure."""
    return {key: getattr(content, key) for key, _ in content.shape()}


@given(seeds)
def test_layouts_hold_the_largest_values_of_a_network(seed):
    network = random_network(seed)
    inputs, classes = network.encoder.inputs, len(network.classes)
    rows = sum(layer.fan_in for layer in network.layers)
    weights = sum(layer.weight.size for layer in network.layers)
    ends = {"status": Status.TIMED_OUT, "tick": network.last_tick, "decision": classes - 1}
    for layout, largest in (
        (event(network), {"kind": Kind.SPIKE, "tick": network.last_tick, "neuron": inputs - 1}),
        (outcome(network), ends),
        (verdict(classes), {"ended": 1, "winner": classes - 1}),
        (lesson(network), {"label": classes - 1, "skip": SKIP_LEVELS - 1}),
        (learnt(network), {"updated": 1, "rows": rows, "changed": weights}),
    ):
        assert values(layout.const(largest)) == largest

    most = [layer.fan_in for layer in network.layers]
    counts = event_counts(network).const(most)
    assert [counts[index] for index in range(len(most))] == most


@pytest.mark.parametrize("learning", [False, True])
def test_a_result_begins_with_its_outcome_whether_it_learnt_or_not(learning):
    network = random_network(3)
    layout = result(network, learning)
    assert layout["outcome"].offset == 0
    assert ("learnt" in dict(layout)) == learning
    assert {name: layout[name] for name, _ in result(network)} == dict(result(network))


@given(seeds)
def test_an_end_is_a_beat_of_an_event_stream(seed):
    """The kind is lowest, so what closes an image is the same in every network."""
    layout = event(random_network(seed))
    for kind in (Kind.END, Kind.ABORT):
        assert layout.from_bits(end_of_image(kind)).kind == kind
