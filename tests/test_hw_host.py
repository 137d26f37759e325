"""The host and a board talk: the same test body for a simulated, a virtual and a real board."""

from collections import deque

import numpy as np
import pytest

from hw.host import TRIES, Board, LinkError
from hw.pipeline import Parameters as PipelineParameters
from hw.registers import IDENTITY, PROTOCOL
from hw.top import Parameters
from random_networks import random_images, random_network
from sim import batch
from simulated_board import SimulatedLine, noise

CLOCK_HZ = 1_000_000


def parameters_of(network, lanes=1):
    return Parameters(PipelineParameters(network, lanes), clock_hz=CLOCK_HZ, baud=CLOCK_HZ // 4)


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


@pytest.mark.slow
def test_bad_line_costs_time_but_no_answer():
    network = random_network(7)
    line = SimulatedLine(parameters_of(network), noise(seed=7, rate=0.01))
    with Board(line, network, patience_s=0.0) as board:
        check_answers(board, network, random_images(network, 12, 7))


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
