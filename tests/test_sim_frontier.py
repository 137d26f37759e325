"""The front: means over seeds, and a choice that never sees test accuracy."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.report.frontier import REFERENCES, frontier
from sim.report.frontier_file import Figures, Point

FIGURES = Figures(0.97, 0.96, 5000.0, 120.5, 6.25, 8192, 3, 196, "0123abcd")


SETTINGS = {"dataset": "mnist", "seed": 1, "hidden": [20], "bits": [8], "pool": 2}


def point(number, figures=FIGURES, **settings):
    return Point(f"{number:016x}", SETTINGS | settings, 1.5, figures)


def points(pairs):
    """One setting per pair of reads and validation accuracy."""
    figures = [replace(FIGURES, reads=reads, validation=validation) for reads, validation in pairs]
    return [point(number, one, pool=number) for number, one in enumerate(figures)]


def test_seeds_are_averaged_per_setting():
    other = replace(FIGURES, accuracy=0.95, reads=5200.0, digest="00000002")
    found = frontier([point(2, other, seed=2), point(1), point(3, pool=1)])
    one = next(setting for setting in found.settings if setting.settings["pool"] == 2)
    assert one.seeds == (1, 2)
    assert (one.mean("accuracy"), one.cost("reads"), one.cost("memory")) == (0.96, 5100.0, 8192.0)
    assert one.to_json()["accuracy_min"] == 0.95
    assert one.to_json()["digests"] == ["0123abcd", "00000002"]
    assert found.differences(one) == "pool 2"
    assert one.name == "196-20, 8 bit"


def test_a_name_says_maps_and_windows_and_kinds_are_told_apart_by_themselves():
    window = {"neuron": "window", "window": 7, "warp": 0.7}
    maps = window | {"maps": [16, 32], "kernel": [5], "stride": [2, 3], "hidden": []}
    found = frontier([point(1), point(2, **window), point(3, **maps), point(4, pool=1)])
    names = {one.name: found.differences(one) for one in found.settings}
    assert names == {
        "196-20, 8 bit": "pool 1",
        "196-20, 8 bit, window 7": "",
        "196-16c5/2-32c5/3, 8 bit, window 7": "",
    }


costs = st.integers(1, 6).map(float)


accuracies = st.integers(1, 6).map(lambda tenths: tenths / 10)


@given(st.lists(st.tuples(costs, accuracies), min_size=1, max_size=12))
def test_front_is_what_nothing_beats(pairs):
    found = frontier(points(pairs))
    kept = {
        (one.cost("reads"), one.mean("validation"))
        for i, one in enumerate(found.settings)
        if i in found.front
    }
    best = {  # for every cost that pays, the best accuracy
        (cost, max(a for c, a in pairs if c == cost))
        for cost, _ in pairs
        if max(a for c, a in pairs if c <= cost) > max((a for c, a in pairs if c < cost), default=0)
    }
    assert kept == best


@given(
    st.lists(st.tuples(costs, accuracies), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_front_does_not_depend_on_test_accuracy(pairs, random):
    rows = points(pairs)
    luck = [replace(row, figures=replace(row.figures, accuracy=random.random())) for row in rows]
    assert frontier(rows).front == frontier(luck).front


def test_data_sets_and_failures_are_kept_apart():
    rows = [
        point(1),
        Point("f" * 16, SETTINGS, 0.0, None, "failed."),
        point(2, dataset="fashion-mnist"),
    ]
    assert len(frontier(rows).settings) == 1
    assert frontier(rows, "fashion-mnist").settings[0].settings["dataset"] == "fashion-mnist"
    with pytest.raises(InputError, match="choose --dataset fashion-mnist or mnist"):
        frontier(rows, "yin-yang")
    with pytest.raises(InputError, match="run `python -m train sweep` first"):
        frontier([])


def test_references_are_what_was_published():
    known = {one.name: one for one in REFERENCES if one.dataset == "mnist"}
    assert known["FPGA prototype 784-600-10"].reads == pytest.approx(61_452)
    assert known["dense 784-600-10"].reads == 784 * 600 + 600 * 10
    assert known["Mostafa 2017, 784-800-10, no warps"].bound
