"""The host's side of the link: what a board answers, and what the host makes of a bad line, of
silence, and of a board that is another.
"""

import os
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hw.bench.emulate import CLOCK_HZ, VirtualBoard
from hw.link.client import Board
from hw.link.exchange import TRIES, LinkError
from hw.link.registers import IDENTITY, PROTOCOL, REGISTERS
from hw.link.serial_line import SerialLine
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from lesson_networks import course
from random_networks import random_images, random_network
from sim import batch
from sim.file import load
from sim.learning.supervised import learn
from simulated_board import (
    SimulatedLine,
    VirtualLine,
    check_answers,
    noise,
    parameters_of,
)


@pytest.fixture(scope="module")
def virtual():
    """The compiled model of a board that waits for weights, and its network."""
    network = random_network(7)
    board = VirtualBoard(MachineParameters(network, 1).with_placement(0, SPRAM))
    yield board, network
    board.close()


def test_a_board_says_what_it_is(virtual):
    board, network = virtual
    with Board(VirtualLine(board), network) as host:
        registers = host.registers()
    rows = MachineParameters(network, 1).layers[0].rows
    expected = {
        "identity": IDENTITY,
        "protocol": PROTOCOL,
        "digest": network.digest,
        "clock_hz": CLOCK_HZ,
        "window": host.window,
        "lanes": 1,
        "to_load": 1,
        "learns": 0,
    }
    assert {name: registers[name] for name in expected} == expected
    assert list(registers) == [register.name for register in REGISTERS]
    assert registers["loaded"] <= rows.depth


@pytest.mark.parametrize("rate", [0.001, 0.01])
def test_bad_line_costs_time_but_no_answer(virtual, rate):
    """Bytes are lost, doubled and changed in both directions; every answer that arrives is right,
    and all do.
    """
    board, network = virtual
    images = random_images(network, 2000, 7)
    with Board(
        VirtualLine(board, noise(seed=7, rate=rate)), network, patience_s=0.0, tries=1000
    ) as host:
        check_answers(host, network, images)
        assert host.read("damaged") > 0


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

    def seconds(self):
        return 0.0 if self.line is None else self.line.seconds()

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


def fetched(board, network):
    rows = [layer.rows for layer in board.pipeline.layers]
    weights = [each.unpack(list(board.fetch_words(index))) for index, each in enumerate(rows)]
    layers = (
        layer.with_weight(weight) for layer, weight in zip(network.layers, weights, strict=True)
    )
    return replace(network, layers=tuple(layers))


def test_a_board_learns_each_image_once_over_a_bad_line():
    """Bytes are lost, doubled and changed in both directions; what a good line does,
    test_hw_commands_learn.py sees.
    """
    network, images, labels, skip, rule = course(8, 12)
    pupil = VirtualBoard(MachineParameters(network, 2, rule))
    with Board(VirtualLine(pupil, noise(8, 0.003)), network, 0.0, 1000) as board:
        assert board.pipeline.rule == rule
        board.set_generator(77)
        after, state = network, 77
        for taught, image, label, leave in zip(
            board.learn(images, labels, skip), images, labels, skip, strict=True
        ):
            lesson = learn(after, image, int(label), rule, state, int(leave))
            expected = (lesson.decision, lesson.updated, lesson.rows, lesson.changed)
            assert (taught.decision, taught.updated, taught.rows, taught.changed) == expected
            after, state = lesson.network, lesson.state
        assert (board.read("lessons"), board.read("generator")) == (len(images), state)
        assert fetched(board, network).digest == after.digest != network.digest
        assert board.read("damaged") > 0
    pupil.close()
