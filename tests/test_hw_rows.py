"""Weight rows as words: every weight once, in its place, and back."""

import numpy as np
from hypothesis import given

from hw.parameters import MachineParameters
from hw.rows import Rows
from random_layers import random_rows, random_weights
from random_networks import any_network, random_network, seeds


@given(seeds)
def test_words_hold_every_weight_and_nothing_else(seed):
    rng = np.random.default_rng(seed)
    bits, lanes = int(rng.integers(1, 9)), int(rng.integers(1, 10))
    layer = random_weights(rng, int(rng.integers(1, 6)), int(rng.integers(lanes, 20)), bits)
    rows = Rows(layer, lanes)
    words = rows.pack()
    assert len(words) == layer.fan_in * rows.folds
    assert max(words) < 1 << rows.word.size
    for row in range(layer.fan_in):
        found = [
            rows.word.from_bits(word)[lane]
            for word in words[row * rows.folds :][: rows.folds]
            for lane in range(lanes)
        ]
        assert found == [*layer.weight[row].tolist(), *[0] * (rows.folds * lanes - layer.fan_out)]


@given(seeds)
def test_words_hold_the_weights_that_were_put_there(seed):
    network = random_network(seed)
    lanes = int(
        np.random.default_rng(seed).integers(1, max(layer.fan_out for layer in network.layers) + 1)
    )
    for layer in MachineParameters(network, lanes).layers:
        assert layer.rows.unpack(layer.rows.pack()).tolist() == layer.layer.weight.tolist()


@given(seeds)
def test_words_of_any_connection_and_format_hold_the_weights_that_were_put_there(seed):
    """Convolutions, and signs: of one bit, 0 is +1 and 1 is -1."""
    network = any_network(seed)
    widest = max(layer.connection.channels_out for layer in network.layers)
    lanes = int(np.random.default_rng(seed).integers(1, widest + 1))
    for layer in MachineParameters(network, lanes).layers:
        rows, channels = layer.rows, layer.layer.connection.channels_out
        words = rows.pack()
        assert rows.single_words().pack() == words
        assert len(words) == rows.depth
        assert rows.folds == layer.layer.connection.positions * rows.folds_per_position
        assert np.array_equal(rows.unpack(words), layer.layer.weight)

        matrix = layer.layer.weight.reshape(-1, channels)
        for row, word in enumerate(words[:: rows.folds_per_position]):
            stored = [rows.word.from_bits(word)[lane] for lane in range(layer.lanes)]
            wanted = matrix[row, : layer.lanes].tolist()
            assert stored == (
                [-(each < 0) for each in wanted] if layer.layer.form.signs else wanted
            )


@given(seeds)
def test_parts_side_by_side_are_the_words(seed):
    """Any cut of the lanes: the words of the parts, shifted to their lanes, add up."""
    rows, rng = random_rows(seed), np.random.default_rng(seed)
    count = int(rng.integers(1, rows.lanes + 1))
    sums = [0] * rows.depth
    for first in range(0, rows.lanes, count):
        part = rows.part(first, min(count, rows.lanes - first))
        assert part.depth == rows.depth
        shift = first * rows.layer.weight_bits
        sums = [total + (word << shift) for total, word in zip(sums, part.pack(), strict=True)]
    assert sums == rows.pack()


@given(seeds)
def test_pieces_are_the_memory_and_what_fills_it_up_is_no_word(seed):
    """Exchangeable weights are followed by random words, to the end of a block RAM or of the
    addresses.
    """
    rows = random_rows(seed)
    exchangeable = Rows(rows.layer, rows.lanes, exchangeable=True)
    memory, size = exchangeable.memory(), 1 << int(np.random.default_rng(seed).integers(1, 7))
    pieces = exchangeable.pieces(size)
    assert rows.memory() == rows.pack() == memory[: rows.depth]
    assert len(memory) == 1 << max(1, (rows.depth - 1).bit_length())  # less than a block RAM
    assert [word for piece in pieces for word in piece] == memory
    assert {len(piece) for piece in pieces[:-1]} <= {size}
    assert max(memory) < 1 << rows.word.size
