"""Courses of labelled images through the gateware, compared with :mod:`sim.learning.supervised`."""

import numpy as np

from hw.bench.lessons import Course, Lessons
from hw.events import Status
from hw.parameters import MachineParameters
from lesson_networks import course
from sim.learning.supervised import learn
from sim.pipeline import run

IMAGES = 6


def expected(network, rule, given_course):
    """What sim makes of a course: network and generator, (decision, updated, rows, changed, tick,
    timed out).
    """
    state, counts = given_course.state, []
    for image, label, skip in zip(
        given_course.images, given_course.labels, given_course.skip, strict=True
    ):
        trace = run(network, image)
        if label < 0:
            counts.append((trace.decision, 0, 0, 0, trace.tick, trace.timed_out))
            continue
        lesson = learn(network, image, int(label), rule, state, int(skip))
        network, state = lesson.network, lesson.state
        counts.append(
            (
                lesson.decision,
                lesson.updated,
                lesson.rows,
                lesson.changed,
                trace.tick,
                trace.timed_out,
            )
        )
    return network, state, counts


def assert_learns_alike(network, rule, given_course, lanes, engine="amaranth", pauses=None):
    found = Lessons(MachineParameters(network, lanes, rule), engine).run(given_course, pauses)
    after, state, counts = expected(network, rule, given_course)
    timed_out = found.status == Status.TIMED_OUT.value
    columns = (found.decision, found.updated, found.rows, found.changed, found.tick, timed_out)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == counts
    for ours, theirs in zip(found.network.layers, after.layers, strict=True):
        assert ours.weight.tolist() == theirs.weight.tolist()
    assert found.state == state
    return found


def random_course(seed):
    """A network, a rule, and labelled images, some of which have no label."""
    network, images, labels, skip, rule = course(seed, IMAGES)
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(IMAGES) < 0.85, labels, -1)
    return network, rule, Course(images, labels, skip, int(rng.integers(1, 1 << 32)))
