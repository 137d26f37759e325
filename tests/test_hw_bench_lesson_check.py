"""A lesson that goes wrong is found, and named by image and quantity."""

from dataclasses import replace

import numpy as np
import pytest

from hw.bench.lesson_check import difference, learn_in_gateware
from hw.bench.lessons import Course, Lessons
from hw.bench.simulate import DifferenceError
from hw.parameters import FULL, MachineParameters
from lesson_networks import course
from sim.learning.supervised_batch import Learner

SEED, IMAGES = 8, 9


class Spoilt(Lessons):
    """Gateware that spoils one weight in a lesson."""

    def __init__(self, parameters, lesson):
        super().__init__(parameters, "amaranth")
        self.lesson = lesson

    def run(self, course, seed=None):
        found = super().run(course, seed)
        if len(course.images) <= self.lesson:
            return found
        output = found.network.layers[1]
        weight = output.weight.copy()
        weight[1, 0] ^= 1
        layers = (found.network.layers[0], output.with_weight(weight))
        return replace(found, network=replace(found.network, layers=layers))


@pytest.fixture(scope="module")
def given():
    network, images, labels, skip, rule = course(SEED, IMAGES)
    return MachineParameters(network, FULL, rule), Course(images, labels, skip, 77)


def test_right_lessons_are_yielded(given):
    parameters, lessons = given
    found = list(learn_in_gateware(Lessons(parameters, "amaranth"), lessons))
    assert len(found) == IMAGES
    assert any(lesson["updated"] for lesson in found)
    assert all(lesson["cycles"] > 0 for lesson in found)


@pytest.mark.parametrize("lesson", [0, 3, IMAGES - 1])
def test_a_wrong_weight_is_traced_to_its_lesson(given, lesson):
    parameters, lessons = given
    sentence = f"image {lesson}, weight of layer 1 from input 1 to neuron 0: expected "
    with pytest.raises(DifferenceError, match=sentence):
        list(learn_in_gateware(Spoilt(parameters, lesson), lessons))


@pytest.mark.parametrize("name", ["decision", "updated", "rows", "changed", "generator"])
def test_a_wrong_count_is_named(given, monkeypatch, name):
    parameters, lessons = given
    runs = Lessons(parameters, "amaranth")
    found = runs.run(lessons)
    values = np.array(getattr(found, name), np.int64)
    values[4] ^= 1
    monkeypatch.setattr(runs, "run", lambda course: replace(found, **{name: values}))
    seen = []
    with pytest.raises(DifferenceError, match=f"image 4, {name}: expected "):
        seen.extend(learn_in_gateware(runs, lessons))
    assert len(seen) in (0, 4)


def test_networks_that_do_not_differ(given):
    parameters, lessons = given
    learner = Learner(parameters.network, parameters.rule, lessons.state)
    learner.learn(lessons.images, lessons.labels, lessons.skip)
    assert difference(learner.network, learner.network) is None
    assert "weight of layer" in difference(parameters.network, learner.network)
