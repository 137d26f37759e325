"""Lessons in the compiled model: the same weights, counts and generator as sim's compiled rule."""

import numpy as np
import pytest

from hw.bench.lessons import Course, Lessons
from hw.parameters import FULL, MachineParameters
from random_networks import random_images
from sim.connections.dense import Dense
from sim.data import dataset
from sim.encoders.intensity import Intensity
from sim.learning.supervised import Rule
from sim.learning.supervised_batch import Learner
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

SEED = 11


def random_start(hidden=600):
    """784-hidden-10 as ``train learn`` starts from."""
    rng = np.random.default_rng(SEED)
    spike_tick = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
    encoder = Intensity((28, 28), 1, np.arange(784, dtype=np.int32), spike_tick)
    layers = (
        Layer(Dense(rng.integers(-14, 27, (784, hidden)).astype(np.int8)), Neuron(410)),
        Layer(Dense(rng.integers(-6, 15, (hidden, 10)).astype(np.int8)), Neuron(400)),
    )
    return Network(encoder, layers, FirstSpike(), 16, 96, tuple("0123456789"))


def assert_compiled_learns_alike(network, lanes, images, labels, pauses=None):
    rule, state = Rule(12, network.layers[0].threshold // 4), 0x9E3779B9
    skip = np.arange(len(images)) % 200
    found = Lessons(MachineParameters(network, lanes, rule)).run(
        Course(images, labels, skip, state), pauses
    )
    learner = Learner(network, rule, state)
    lessons = learner.learn(images, labels, skip)
    assert lessons.updated.sum() > len(images) // 4
    for name in ("decision", "updated", "rows", "changed"):
        assert getattr(found, name).tolist() == getattr(lessons, name).astype(int).tolist()
    assert (found.state, found.network.digest) == (learner.state, learner.network.digest)


def test_the_compiled_model_learns_alike():
    network = random_start(12)
    images = random_images(network, 40, SEED) // 2 * (np.arange(784).reshape(28, 28) % 3 == 0)
    assert_compiled_learns_alike(network, 5, images.astype(np.uint8), np.arange(40) % 10, SEED)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [60, FULL])
def test_a_thousand_mnist_images_teach_784_600_10(lanes):
    data = dataset.load("mnist")
    assert_compiled_learns_alike(
        random_start(), lanes, data.train_images[:1000], data.train_labels[:1000].astype(int)
    )
