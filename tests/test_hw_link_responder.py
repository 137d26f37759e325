"""What a board does with requests that it should not: refused or told again, and the next one is
answered.
"""

from collections import deque

import numpy as np
import pytest

from hw.link.client import Board
from hw.link.exchange import LinkError
from hw.link.frame import LESSON, Kind
from hw.link.words import where
from lesson_networks import course
from random_networks import random_network
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from simulated_board import SimulatedLine, learning_board, parameters_of

STATE = 77


def test_words_that_are_not_there_are_refused():
    """Nothing is written, and the next request is answered."""
    rng = np.random.default_rng(5)
    layers = (
        Layer(Dense(rng.integers(-8, 8, (25, 20)).astype(np.int8)), Neuron(9), weight_bits=4),
        Layer(Dense(np.ones((20, 2), np.int8)), Neuron(1)),
    )
    encoder = Intensity((5, 5), 1, np.arange(25, dtype=np.int32), np.zeros(256, np.int16))
    network = Network(encoder, layers, FirstSpike(), 2, 5, ("no", "yes"))
    bad = [
        (Kind.LOAD, where(0, 0, 2) + bytes(3)),  # too few bytes
        (Kind.LOAD, where(0, 0, 2) + bytes(5)),  # too many
        (Kind.LOAD, where(0, 0, 0)),
        (Kind.LOAD, where(0, 0, 1)[:-1]),
        (Kind.LOAD, where(0, 125, 1) + bytes(2)),  # the last word is 124
        (Kind.FETCH, where(0, 0, 0)),
        (Kind.FETCH, where(0, 0, 1) + bytes(1)),
        (Kind.FETCH, where(0, 0, 121)),  # a reply of more than 240 bytes
        (Kind.FETCH, where(0, 124, 2)),
        (Kind.FETCH, where(0, 0xFFFFFF, 255)),
        (Kind.FETCH, where(1, 0, 1)),  # in block RAM
        (Kind.FETCH, where(9, 0, 1)),  # no such layer
    ]
    ends = ((0, 3), (124, 1))  # where bad requests would write
    with Board(SimulatedLine(parameters_of(network, 4, 0)), network) as board:
        words = board.pipeline.layers[0].rows.pack()
        for first, count in ends:
            deque(board.load_words(0, first, words[first : first + count]), maxlen=0)
        replies = [reply.kind for _, reply in board._exchange.run(bad, 1)]
        assert replies == [Kind.REFUSED] * len(bad)
        fetched = board._ask([(Kind.FETCH, where(0, *part)) for part in ends], 1)
        for (first, count), payload in zip(ends, fetched, strict=True):
            found = [int.from_bytes(payload[2 * n : 2 * n + 2], "little") for n in range(count)]
            assert found == words[first : first + count]


def test_a_lesson_out_of_turn_is_refused_and_the_last_one_only_told_again():
    network, images, labels, _, rule = course(3, 2)
    with learning_board(network, rule) as board:
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
    with learning_board(network, None) as board:
        assert (board.read("learns"), board.pipeline.rule) == (0, None)
        with pytest.raises(LinkError, match="refuses SEED"):
            board.set_generator(1)
        image = np.zeros((1, *network.encoder.image_shape), np.uint8)
        with pytest.raises(LinkError, match="refuses LEARN"):
            list(board.learn(image, [0], [0]))
