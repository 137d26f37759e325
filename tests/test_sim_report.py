"""The figures of a report, recomputed the long way from traces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from random_networks import any_network, random_images, random_network, seeds, written_out
from sim.batch import run
from sim.errors import InputError
from sim.pipeline import run as run_one
from sim.report.report import Report


def report_of(seed, count=12, mixed=False):
    network = any_network(seed) if mixed else random_network(seed)
    images = random_images(network, count, seed)
    labels = np.random.default_rng(seed).integers(0, len(network.classes), count)
    return Report(network, images, labels, run(network, images))


def as_ones(connection):
    """Return the connection with a weight of 1 everywhere: a sum of synapses is their number."""
    return connection.with_weight(np.ones_like(connection.weight))


def looked_up(ones, trace):
    """Return the weights looked up in each layer, by the matrices of its synapses."""
    return [
        sum(int(one[spike.neuron].sum()) for spike in spikes)
        for one, spikes in zip(ones, trace.spikes, strict=True)
    ]


@given(seeds, st.booleans())
def test_figures_equal_counts_over_traces(seed, mixed):
    report = report_of(seed, mixed=mixed)
    network, figures = report.network, report.to_json()
    traces = [run_one(network, image) for image in report.images]
    ones = [written_out(as_ones(layer.connection)) for layer in network.layers]
    reads = np.array([looked_up(ones, trace) for trace in traces])
    last = [not trace.timed_out and network.readout.early for trace in traces]
    spikes = [sum(trace.events) + fired for trace, fired in zip(traces, last, strict=True)]
    right = sum(trace.decision == label for trace, label in zip(traces, report.labels, strict=True))
    assert figures["accuracy"] == right / len(traces)
    assert figures["timeouts"] == sum(trace.timed_out for trace in traces)
    assert figures["decision_tick_mean"] == np.mean([trace.tick for trace in traces])
    assert figures["spikes_per_image"] == np.mean(spikes)
    assert figures["weight_reads_per_image"] == reads.sum(axis=1).mean()
    assert figures["weight_read_fraction"] == reads.sum(axis=1).mean() / sum(
        one.sum() for one in ones
    )
    for index, layer in enumerate(figures["layers"]):
        events = np.mean([trace.events[index] for trace in traces])
        assert layer["events_per_image"] == events
        assert layer["lookup_fraction"] == reads[:, index].mean() / ones[index].sum()
        assert layer["weight_reads_per_image"] == reads[:, index].mean()
        assert layer["weights"] == network.layers[index].weight.size
    assert report.confusion.sum() == len(traces)
    assert report.confusion.trace() == right


@given(seeds, st.booleans())
def test_pixel_reads_add_up_to_the_first_layers_events(seed, mixed):
    report = report_of(seed, mixed=mixed)
    mean = report.to_json()["layers"][0]["events_per_image"]
    assert report.pixel_reads.sum() == pytest.approx(mean, rel=1e-12)


def test_interval_is_wilsons():
    report = report_of(1, count=10)
    object.__setattr__(report, "labels", report.decisions.decision.copy())
    low, high = report.interval
    assert low == pytest.approx(10 / (10 + 1.959964**2))  # all right: n / (n + z^2) .. 1
    assert high == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros(3, np.int64), "labels: must be 12 integers"),
        (np.zeros(12), "labels: must be 12 integers, one per image, not float64"),
        (np.full(12, 99), r"labels: must be in 0\.\."),
        (np.full(12, -1), r"labels: must be in 0\.\."),
    ],
)
def test_wrong_labels(labels, sentence):
    report = report_of(1)
    with pytest.raises(InputError, match=sentence):
        Report(report.network, report.images, labels, report.decisions)
