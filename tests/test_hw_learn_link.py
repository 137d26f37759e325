"""Labelled images over the link: a board learns each once, whatever the line does, and its weights
come back.
"""

from dataclasses import replace

import numpy as np
import pytest

from hw.boards.top import BoardParameters
from hw.link.client import Board
from hw.link.exchange import LinkError
from hw.link.frame import LESSON, Kind
from hw.parameters import MachineParameters
from lesson_networks import course
from random_networks import random_network
from sim.learning.supervised import learn
from simulated_board import SimulatedLine, noise

CLOCK_HZ = 1_000_000
STATE = 77
SEED = 8


def board_of(network, rule, lanes=2, damage=lambda data: data, **options):
    lanes = min(lanes, max(layer.fan_out for layer in network.layers))
    pipeline = MachineParameters(network, lanes, rule)
    return Board(
        SimulatedLine(BoardParameters(pipeline, CLOCK_HZ, CLOCK_HZ // 4), damage),
        network,
        **options,
    )


def fetched(board, network):
    rows = [layer.rows for layer in board.pipeline.layers]
    weights = [each.unpack(list(board.fetch_words(index))) for index, each in enumerate(rows)]
    layers = (
        layer.with_weight(weight) for layer, weight in zip(network.layers, weights, strict=True)
    )
    return replace(network, layers=tuple(layers))


def test_a_board_learns_each_image_once_over_a_bad_line():
    """Bytes are lost, doubled and changed in both directions; what a good line does,
    test_hw_learn_command.py sees.
    """
    network, images, labels, skip, rule = course(SEED, 3)
    with board_of(network, rule, damage=noise(SEED, 0.003), patience_s=0.001, tries=100) as board:
        assert board.pipeline.rule == rule
        board.set_generator(STATE)
        after, state = network, STATE
        for taught, image, label, leave in zip(
            board.learn(images, labels, skip), images, labels, skip, strict=True
        ):
            lesson = learn(after, image, int(label), rule, state, int(leave))
            expected = (lesson.decision, lesson.updated, lesson.rows, lesson.changed)
            assert (taught.decision, taught.updated, taught.rows, taught.changed) == expected
            after, state = lesson.network, lesson.state
        assert (board.read("lessons"), board.read("generator")) == (len(images), state)
        assert fetched(board, network).digest == after.digest != network.digest


def test_a_lesson_out_of_turn_is_refused_and_the_last_one_only_told_again():
    network, images, labels, _, rule = course(3, 2)
    with board_of(network, rule) as board:
        board.set_generator(STATE)

        def give(number, label=int(labels[0])):
            return next(
                board._ask([(Kind.LEARN, LESSON.pack(number, label, 0) + images[0].tobytes())], 1)
            )

        first = give(0)
        state = board.read("generator")
        assert give(0) == first
        assert (board.read("generator"), board.read("lessons")) == (state, 1)
        for number, label in ((2, 0), (1, len(network.classes))):
            with pytest.raises(LinkError, match="refuses LEARN"):
                give(number, label)
        next(iter(board.classify(images[:1])))
        with pytest.raises(LinkError, match="refuses LEARN"):
            give(0)
        assert board.read("generator") == state


def test_a_board_that_does_not_learn_says_so():
    network = random_network(3)
    with board_of(network, None) as board:
        assert (board.read("learns"), board.pipeline.rule) == (0, None)
        with pytest.raises(LinkError, match="refuses SEED"):
            board.set_generator(1)
        image = np.zeros((1, *network.encoder.image_shape), np.uint8)
        with pytest.raises(LinkError, match="refuses LEARN"):
            list(board.learn(image, [0], [0]))
