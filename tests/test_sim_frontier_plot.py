"""The frontier as a figure."""

from dataclasses import replace

import pytest

from sim.report.frontier import COSTS, frontier
from sim.report.frontier_file import Figures, Point
from sim.report.frontier_plot import svg

FIGURES = Figures(0.97, 0.96, 5000.0, 120.5, 6.25, 8192, 3, 196, "0123abcd")


SETTINGS = {"dataset": "mnist", "seed": 1, "hidden": [20], "bits": [8], "pool": 2}


def point(number, figures=FIGURES, **settings):
    return Point(f"{number:016x}", SETTINGS | settings, 1.5, figures)


def points(pairs):
    """One setting per pair of reads and validation accuracy."""
    figures = [replace(FIGURES, reads=reads, validation=validation) for reads, validation in pairs]
    return [point(number, one, pool=number) for number, one in enumerate(figures)]


@pytest.mark.parametrize("cost", COSTS)
def test_figure_is_the_same_for_the_same_results(cost):
    found = frontier(points([(4000.0, 0.9), (5000.0, 0.95)]), cost=cost)
    assert svg(found) == svg(found)
    assert COSTS[cost] in svg(found)
