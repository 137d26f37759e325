"""The gateware learns as ``sim.learning.supervised`` does: after any course every weight, the
generator and the counts are equal.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courses import IMAGES, assert_learns_alike, expected, random_course
from hw.bench.lessons import Course, Lessons
from hw.bench.simulate import Simulation, compare
from hw.bench.trace import end_of_image
from hw.events import Kind, Status
from hw.machine.machine import Machine
from hw.parameters import FULL, MachineParameters
from hw.storage.writable import LATENCY_CYCLES
from hw.verilog import to_rtlil
from lesson_networks import machine
from random_networks import random_network, seeds
from sim.learning.supervised import Rule
from sim.pipeline import run

SEED = 11


def check_course(seed, pauses):
    network, rule, given_course = random_course(seed)
    widest = max(layer.fan_out for layer in network.layers)
    lanes = int(np.random.default_rng(seed).integers(1, widest + 1))
    assert_learns_alike(network, rule, given_course, lanes, pauses=seed % 1000 if pauses else None)


@settings(max_examples=25)
@given(seeds, st.booleans())
def test_every_weight_equals_sims_after_any_course(seed, pauses):
    check_course(seed, pauses)


@pytest.mark.slow
@pytest.mark.many
@settings(max_examples=100)
@given(seeds, st.booleans())
def test_every_weight_equals_sims_after_any_course_often(seed, pauses):
    check_course(seed, pauses)


def test_random_courses_reach_every_corner_of_the_circuit():
    """The properties above mean little unless lessons happen, with one fold and several, at both
    ends of an image.
    """
    seen = set()
    for seed in range(100):
        network, rule, given_course = random_course(seed)
        _, _, counts = expected(network, rule, given_course)
        seen |= {("updated", updated) for _, updated, *_ in counts}
        seen |= {("changed", changed > 0) for _, updated, _, changed, *_ in counts if updated}
        seen |= {("labelled", label >= 0) for label in given_course.labels.tolist()}
        seen |= {
            ("rivals", min(rule.rivals, 2)),
            ("noise", rule.noise_bits == 0),
            ("hidden", network.layers[0].fan_out),
        }
        timed_out = (run(network, image).timed_out for image in given_course.images)
        seen |= {("timed out", value) for value in timed_out}
    for name in ("updated", "changed", "labelled", "noise", "timed out"):
        assert {(name, False), (name, True)} <= seen
    assert {("rivals", 1), ("rivals", 2), ("hidden", 2), ("hidden", 7)} <= seen


@pytest.mark.parametrize("lanes", [1, FULL])
def test_weights_saturate_and_the_label_may_stay_silent(lanes):
    network = machine([[7], [7]], [[2, -8]], bits=4)
    images = np.full((3, 1, 2), 200, np.uint8)
    given_course = Course(images, np.array([0, 0, 1]), np.zeros(3, np.int64), 1)
    assert_learns_alike(network, Rule(0, 0, 1, 0), given_course, lanes)


def test_the_rows_that_the_draw_leaves_alone_cost_no_pass():
    """All input rows taken cost a pass of the folds each, and the last one's way; none taken, a
    cycle each.
    """
    network = machine([[12] * 8] * 20, [[9, 20]] * 8)
    images, labels = np.full((1, 1, 20), 200, np.uint8), np.zeros(1, np.int64)
    cycles = {}
    for skip in (0, 255):
        given_course = Course(images, labels, np.array([skip]), 21)
        found = assert_learns_alike(network, Rule(1, 0, 1, 0), given_course, 1)
        cycles[skip] = found.cycles[0], found.rows[0]
    assert cycles[0][1] - cycles[255][1] == 28, "none of these draws is 255"
    assert cycles[0][0] - cycles[255][0] == 20 * (8 - 1) + LATENCY_CYCLES


@settings(max_examples=8)
@given(seeds)
def test_images_without_a_label_are_what_they_are_without_learning(seed):
    """With all lanes, where both circuits have as many: the same decisions, events, and cycles."""
    network, rule, given_course = random_course(seed)
    parameters = MachineParameters(network, FULL)
    if any(layer.folds > 1 for layer in parameters.layers):
        return
    unlabelled = Course(
        given_course.images, np.full(IMAGES, -1), given_course.skip, given_course.state
    )
    found = Lessons(MachineParameters(network, FULL, rule), "amaranth").run(unlabelled)
    traces = Simulation(parameters, "amaranth").run(given_course.images)
    for index, trace in enumerate(traces):
        compare(index, run(network, given_course.images[index]), trace)
        assert (found.decision[index], found.cycles[index]) == (trace.trace.decision, trace.cycles)
    assert found.network.digest == network.digest


def test_a_broken_image_teaches_nothing_and_takes_its_label_with_it():
    network = machine([[12, 8, 6, 3]], [[9, 20], [-1, -7], [5, 5], [5, -5]])
    lessons, images = (
        Lessons(MachineParameters(network, FULL, Rule(1, 0, 1, 0)), "amaranth"),
        np.full((2, 1, 1), 200, np.uint8),
    )
    beats = lessons.beats(Course(images, np.array([0, -1]), np.zeros(2, np.int64), 7))
    beats[0][-1] = lessons.event(end_of_image(Kind.ABORT))
    found = lessons.run_beats(beats)
    assert found.status.tolist() == [Status.DROPPED.value, Status.DECIDED.value]
    assert (found.state, found.network.digest, found.updated.tolist()) == (
        7,
        network.digest,
        [0, 0],
    )


def test_a_label_out_of_range_is_none():
    network = machine([[12, 8, 6]], [[9, 20, 1], [-1, -7, 1], [5, 5, 1]])
    images = np.full((2, 1, 1), 200, np.uint8)
    given_course = Course(images, np.array([3, 3]), np.zeros(2, np.int64), 7)
    found = Lessons(MachineParameters(network, FULL, Rule(1, 0, 1, 0)), "amaranth").run(
        given_course
    )
    assert (found.state, found.network.digest, found.updated.tolist()) == (
        7,
        network.digest,
        [0, 0],
    )
    assert found.decision.tolist() == [run(network, images[0]).decision] * 2


def test_a_build_that_does_not_learn_has_nothing_of_it():
    """No learner, no memory of ticks, and weights that only the bitstream writes."""
    network = random_network(SEED)
    plain = to_rtlil(Machine(MachineParameters(network)))
    learning = to_rtlil(
        Machine(MachineParameters(machine([[12, 8]], [[1, 2], [3, 4]]), FULL, Rule(1, 0)))
    )
    for trace_of_learning in ("learn", "lesson", "recall", "past"):
        assert trace_of_learning not in plain
        assert trace_of_learning in learning
    modules = {text.split()[0]: text for text in plain.split("module ")[1:]}
    assert not any("$memwr_v2" in text for name, text in modules.items() if name.endswith('words"'))
