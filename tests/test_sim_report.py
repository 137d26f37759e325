"""The figures of a report, recomputed the long way from traces."""

import numpy as np
import pytest
from hypothesis import given

from random_networks import random_images, random_network, seeds
from sim.batch import run
from sim.errors import InputError
from sim.pipeline import run as run_one
from sim.report.report import Report


def report_of(seed, count=12):
    network = random_network(seed)
    images = random_images(network, count, seed)
    labels = np.random.default_rng(seed).integers(0, len(network.classes), count)
    return Report(network, images, labels, run(network, images))


@given(seeds)
def test_figures_equal_counts_over_traces(seed):
    report = report_of(seed)
    network, figures = report.network, report.to_json()
    traces = [run_one(network, image) for image in report.images]
    fan_out = [layer.fan_out for layer in network.layers]
    reads = [sum(e * f for e, f in zip(trace.events, fan_out, strict=True)) for trace in traces]
    spikes = [sum(trace.events) + (not trace.timed_out) for trace in traces]
    right = sum(trace.decision == label for trace, label in zip(traces, report.labels, strict=True))
    assert figures["accuracy"] == right / len(traces)
    assert figures["timeouts"] == sum(trace.timed_out for trace in traces)
    assert figures["decision_tick_mean"] == np.mean([trace.tick for trace in traces])
    assert figures["spikes_per_image"] == np.mean(spikes)
    assert figures["weight_reads_per_image"] == np.mean(reads)
    assert figures["weight_read_fraction"] == np.mean(reads) / sum(
        layer.weight.size for layer in network.layers
    )
    for index, layer in enumerate(figures["layers"]):
        events = np.mean([trace.events[index] for trace in traces])
        assert layer["events_per_image"] == events
        assert layer["lookup_fraction"] == events / network.layers[index].fan_in
        assert layer["weight_reads_per_image"] == events * network.layers[index].fan_out
    assert report.confusion.sum() == len(traces)
    assert report.confusion.trace() == right


@given(seeds)
def test_pixel_reads_add_up_to_the_first_layers_events(seed):
    report = report_of(seed)
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
