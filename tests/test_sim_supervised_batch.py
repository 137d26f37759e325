"""The compiled rule against the obvious one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from lesson_networks import HIDDEN, OUTPUT, course, machine
from random_networks import seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import encode
from sim.errors import InputError
from sim.learning.supervised import Rule, learn, watch_image
from sim.learning.supervised_batch import Learner
from sim.network import Layer
from sim.neuron import Neuron
from sim.pipeline import run


@given(seeds)
def test_batch_equals_one_by_one(seed):
    network, images, labels, skip, rule = course(seed)
    state = seed + 1 if seed + 1 < 1 << 32 else 1
    learner = Learner(network, rule, state)
    lessons = learner.learn(images, labels, skip)
    for index, image in enumerate(images):
        lesson = learn(network, image, int(labels[index]), rule, state, int(skip[index]))
        assert lesson.decision == run(network, image).decision
        found = (
            lessons.decision[index],
            lessons.updated[index],
            lessons.rows[index],
            lessons.changed[index],
        )
        assert found == (lesson.decision, lesson.updated, lesson.rows, lesson.changed)
        network, state = lesson.network, lesson.state
    assert learner.state == state
    assert learner.network.digest == network.digest


def test_random_courses_reach_every_corner():
    """The property above means little unless its images teach or not, end early or late, with every
    kind of neuron.
    """
    seen = set()
    for seed in range(200):
        network, images, labels, skip, rule = course(seed)
        silent = network.last_tick + 1
        for image, label, chance in zip(images, labels, skip, strict=True):
            lesson = learn(network, image, int(label), rule, seed + 1, int(chance))
            watch = watch_image(network, image, int(label), rule.margin)
            end = watch.output_tick[label] + rule.margin
            near = (watch.hidden_tick == silent) & (watch.hidden_current > -rule.reach)
            together = np.isin(watch.hidden_tick[watch.hidden_tick < silent], watch.output_tick)
            late = watch.input_tick[watch.inputs][:, np.newaxis] >= watch.hidden_tick
            facts = {
                "near": near.any(),
                "together": together.any(),
                "late input": late.any(),
                "early end": end < silent,
            }
            facts["spikes remain"] = (encode(network.encoder, image[np.newaxis]) == end).any()
            facts["none changed"] = lesson.changed == 0
            facts["skipped"] = lesson.rows < len(watch.inputs) + (watch.hidden_tick < silent).sum()
            seen |= {(lesson.updated, name, bool(value)) for name, value in facts.items()}
    names = (
        "near",
        "together",
        "late input",
        "early end",
        "spikes remain",
        "none changed",
        "skipped",
    )
    assert seen >= {(True, name, value) for name in names for value in (True, False)}
    assert (False, "none changed", True) in seen


@pytest.mark.parametrize(
    ("labels", "skip", "sentence"),
    [
        ([0], [256], "skip: must be 1 integers, one per image, in 0..255"),
        ([0], [-1], "skip: must be 1 integers"),
        ([0], [0, 0], "skip: must be 1 integers"),
        ([2], [0], r"labels: must be in 0\.\.1"),
        ([0, 1], [0], "labels: must be 1 integers"),
    ],
)
def test_what_does_not_fit_the_images_is_refused(labels, skip, sentence):
    learner = Learner(machine(HIDDEN, OUTPUT), Rule(6, 100))
    before = learner.network.digest
    with pytest.raises(InputError, match=sentence):
        learner.learn(np.full((1, 1, 1), 200, np.uint8), np.array(labels), np.array(skip))
    assert (learner.network.digest, learner.state) == (before, 1)


def test_what_cannot_learn_is_refused():
    network = machine(HIDDEN, OUTPUT)
    with pytest.raises(InputError, match="state: must be"):
        Learner(network, Rule(6, 100), 0)
    third = Layer(Dense(np.ones((2, 2), np.int8)), Neuron(4))
    with pytest.raises(InputError, match="needs 2"):
        Learner(replace(network, layers=(*network.layers, third)), Rule(6, 100))
