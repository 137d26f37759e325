"""The page of a report."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from random_networks import any_network, random_images, random_network, seeds
from sim.batch import run
from sim.readouts import READOUTS
from sim.report.page import ANSWERS, _reads_figure, page
from sim.report.report import Report, interval_95


def report_of(seed, count=12, mixed=False):
    network = any_network(seed) if mixed else random_network(seed)
    images = random_images(network, count, seed)
    labels = np.random.default_rng(seed).integers(0, len(network.classes), count)
    return Report(network, images, labels, run(network, images))


@given(seeds, st.booleans())
@settings(max_examples=4)
def test_page_is_self_contained(seed, mixed):
    report = report_of(seed, mixed=mixed)
    text = page(report)
    assert ANSWERS[report.network.readout_name] in text
    assert text.count("<svg") == 6
    for outside in ("<script", "<link", "<img", 'src="http', "@import"):
        assert outside not in text


def test_groups_of_images_have_their_intervals():
    report = report_of(3, count=40)
    axes = _reads_figure(report).axes[0]
    line, _, (bars,) = axes.containers[0]
    order = np.argsort(report.reads, kind="stable")
    expected = [interval_95(report.right[order[first : first + 4]]) for first in range(0, 40, 4)]
    found = [segment[:, 1] for segment in bars.get_segments()]
    np.testing.assert_allclose(found, 100 * np.array(expected))
    assert len(line.get_xdata()) == 10


def test_every_readout_has_an_answer():
    assert set(ANSWERS) == set(READOUTS)
