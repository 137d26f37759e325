"""The host and a board talk: the same test body for a simulated, a virtual and a real board."""

import os
import threading
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from hw.bench.emulate import Terminal, VirtualBoard, serve
from hw.link.client import Board
from hw.link.exchange import TRIES, LinkError
from hw.link.registers import IDENTITY, PROTOCOL
from hw.link.serial_line import SerialLine
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from random_networks import random_images, random_network
from sim import batch
from sim.errors import InputError
from sim.file import load
from simulated_board import (
    CLOCK_HZ,
    SimulatedLine,
    VirtualLine,
    check_answers,
    noise,
    parameters_of,
)


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


@pytest.fixture(scope="module")
def virtual():
    """The compiled model of a board that waits for weights, and its network."""
    network = random_network(7)
    board = VirtualBoard(MachineParameters(network, 1).with_placement(0, SPRAM))
    yield board, network
    board.close()


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
