"""Compares what the gateware learns with :mod:`sim`: what :func:`hw.bench.simulate.simulate` is for
decisions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hw.bench.engine import HangError
from hw.bench.lessons import Course, Learnt, Lessons
from hw.bench.simulate import DifferenceError
from hw.events import Status
from sim import batch
from sim.learning.supervised_batch import Learner
from sim.network import Network


@dataclass(frozen=True, eq=False)
class Expected:
    """What sim makes of a course.

    :param lessons: one object per image, as ``hw simulate --learn`` prints it, but for the cycles.
    :param network: with the weights after the course.
    """

    lessons: list[dict[str, Any]]
    network: Network


def learn_in_gateware(lessons: Lessons, course: Course) -> Iterator[dict[str, Any]]:
    """Teach the gateware a course, and yield what each lesson did after comparing it with sim.

    Every count of every lesson is compared, the generator's state after it, and after the last one
    all weights. If only weights differ, shorter courses show which lesson went wrong.

    :param course: each image with a label.
    :raises hw.bench.simulate.DifferenceError: at the first difference, after the lessons before it
        were yielded.
    """
    found, expected = _run(lessons, course), expect(lessons, course)
    for index, wanted in enumerate(expected.lessons):
        lesson = _to_json(found, course, index)
        for name, value in wanted.items():
            if lesson[name] != value:
                raise DifferenceError(
                    f"image {index}, {name}: expected {value}, found {lesson[name]}"
                )
        yield lesson

    text = difference(expected.network, found.network)
    if text is not None:
        raise DifferenceError(_first_wrong_weight(lessons, course, text))


def expect(lessons: Lessons, course: Course) -> Expected:
    """Return what sim makes of a course."""
    rule = lessons.parameters.rule
    assert rule is not None, "lessons have a rule"
    learner = Learner(lessons.parameters.network, rule, course.state)
    found: list[dict[str, Any]] = []
    for index in range(len(course.images)):
        one = slice(index, index + 1)
        before = batch.run(learner.network, course.images[one]).to_json(0)
        lesson = learner.learn(course.images[one], course.labels[one], course.skip[one])
        found.append(
            {
                "decision": before["decision"],
                "tick": before["tick"],
                "timed_out": before["timed_out"],
                "updated": bool(lesson.updated[0]),
                "rows": int(lesson.rows[0]),
                "changed": int(lesson.changed[0]),
                "generator": learner.state,
            }
        )
    return Expected(found, learner.network)


def difference(expected: Network, found: Network) -> str | None:
    """Return the first weight in which two networks differ, in words; None if there is none."""
    pairs = zip(expected.layers, found.layers, strict=True)
    for layer, (wanted, got) in enumerate(pairs):
        for source, neuron in np.argwhere(wanted.weight != got.weight)[:1].tolist():
            return (
                f"weight of layer {layer} from input {source} to neuron {neuron}: "
                f"expected {wanted.weight[source, neuron]}, found {got.weight[source, neuron]}"
            )
    return None


def _run(lessons: Lessons, course: Course) -> Learnt:
    try:
        return lessons.run(course)
    except HangError as error:
        raise DifferenceError(f"one of the {len(course.images)} lessons: {error}") from error


def _to_json(found: Learnt, course: Course, index: int) -> dict[str, Any]:
    status = Status(int(found.status[index]))
    if status == Status.DROPPED:
        raise DifferenceError(f"image {index}: expected a lesson, found it dropped")
    return {
        "decision": int(found.decision[index]),
        "tick": int(found.tick[index]),
        "timed_out": status == Status.TIMED_OUT,
        "label": int(course.labels[index]),
        "updated": bool(found.updated[index]),
        "rows": int(found.rows[index]),
        "changed": int(found.changed[index]),
        "generator": int(found.generator[index]),
        "cycles": int(found.cycles[index]),
    }


def _first_wrong_weight(lessons: Lessons, course: Course, text: str) -> str:
    """Return the first difference of weights after the first lesson that left one.

    Before all lessons weights are right and after them they are wrong, so halving finds a lesson
    before which they are right, and after which they are not.

    :param text: the difference after all of them.
    """
    right, wrong = 0, len(course.images)
    while wrong - right > 1:
        middle = (right + wrong) // 2
        there = _weights_after(lessons, course, middle)
        if there is None:
            right = middle
        else:
            wrong, text = middle, there
    return f"image {wrong - 1}, {text}"


def _weights_after(lessons: Lessons, course: Course, count: int) -> str | None:
    """Return the first difference of weights after ``count`` lessons."""
    part = replace(
        course,
        images=course.images[:count],
        labels=course.labels[:count],
        skip=course.skip[:count],
    )
    return difference(expect(lessons, part).network, _run(lessons, part).network)
