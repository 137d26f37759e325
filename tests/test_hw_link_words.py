"""Words of weights as bytes: loaded before images, read back, and in parts that fit."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.link.client import Board
from hw.link.exchange import LinkError
from hw.link.frame import Kind
from hw.link.words import split
from random_networks import random_images, random_network
from sim.errors import InputError
from simulated_board import SimulatedLine, check_answers, parameters_of


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_weights_are_loaded_before_images_and_read_back(seed):
    """In any layer, at any width; until they are all there, an image is refused."""
    network = random_network(seed)
    layer, lanes = seed % len(network.layers), 1 + seed
    with Board(SimulatedLine(parameters_of(network, lanes, layer)), network) as board:
        words = board.pipeline.layers[layer].rows.pack()
        deque(board.load_words(layer, len(words) - 1, words[-1:]), maxlen=0)
        assert board.words_missing() == len(words)  # nothing counts behind a gap
        deque(board.load_words(layer, 0, words[:-1]), maxlen=0)
        assert board.words_missing() == 1
        image = random_images(network, 1, seed)
        with pytest.raises(LinkError, match="refuses CLASSIFY"):
            next(board._ask([(Kind.CLASSIFY, image.tobytes())], 1))
        assert sum(board.load_weights()) == 1
        assert list(board.fetch_words(layer)) == words
        check_answers(board, network, random_images(network, 3, seed))
        assert list(board.load_weights()) == []


@given(st.integers(1, 2000), st.integers(1, 300), st.integers(1, 300))
def test_words_are_split_into_parts_that_fit(words, word_bytes, room):
    if word_bytes > room:
        with pytest.raises(InputError, match=f"a word of {word_bytes} bytes does not fit"):
            split(words, word_bytes, room)
        return
    parts = split(words, word_bytes, room)
    assert [place for first, count in parts for place in range(first, first + count)] == [
        *range(words)
    ]
    assert all(1 <= count <= 255 and count * word_bytes <= room for _, count in parts)
