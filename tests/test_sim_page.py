"""The page of a report."""

import numpy as np
from hypothesis import given, settings

from random_networks import random_images, random_network, seeds
from sim.batch import run
from sim.report.page import page
from sim.report.report import Report


def report_of(seed, count=12):
    network = random_network(seed)
    images = random_images(network, count, seed)
    labels = np.random.default_rng(seed).integers(0, len(network.classes), count)
    return Report(network, images, labels, run(network, images))


@given(seeds)
@settings(max_examples=3)
def test_page_is_self_contained(seed):
    text = page(report_of(seed))
    assert text.count("<svg") == 6
    for outside in ("<script", "<link", "<img", 'src="http', "@import"):
        assert outside not in text
