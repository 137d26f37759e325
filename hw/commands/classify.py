"""``python -m hw classify``: a board's decisions."""

import argparse
import json
import sys
import time
from typing import Any

import numpy.typing as npt

from hw.commands.options import DIFFERENT, add_check, add_port, patience_s
from hw.link.client import Answer, Board
from hw.link.exchange import LinkError
from hw.link.serial_line import SerialLine
from sim import batch
from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.console import progress_bar
from sim.file import load
from sim.network import Network

EXAMPLE = "build/mnist --port /dev/ttyUSB0 --dataset mnist --limit 100"

COMPARED = ("decision", "tick", "timed_out", "events")
"""What a board's answer has in common with the answer of ``sim``."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "classify", "let a board classify images", EXAMPLE, run)
    options.add_network(parser)
    add_port(parser, "hw emulate")
    options.add_images(parser)
    add_check(parser, "every answer")


def run(arguments: argparse.Namespace) -> int:
    """Print the board's answer to each image; compare them with sim if wanted."""
    network = load(arguments.network)
    given = options.read_images(arguments, network)
    assert given is not None, "the parser demands images"
    expected = batch.run(network, given.images) if arguments.check else None

    patience = patience_s(network, arguments.baud)
    with Board(SerialLine(arguments.port, arguments.baud), network, patience) as board:
        _load_weights(board)
        clock_hz = board.read("clock_hz")
        began_s = time.monotonic()
        answers = _classify(board, given.images)
        seconds = time.monotonic() - began_s

    mean_us = sum(answer.cycles for answer in answers) / max(1, len(answers)) / clock_hz * 1e6
    rate = len(answers) / seconds
    print(f"{len(answers)} images, {rate:.0f} per second, {mean_us:.1f} us each", file=sys.stderr)
    if given.labels is not None and answers:
        pairs = zip(answers, given.labels, strict=True)
        right = sum(answer.decision == label for answer, label in pairs)
        print(f"accuracy {right / len(answers):.2%}", file=sys.stderr)
    return 0 if expected is None else _compare(network, expected, answers)


def _load_weights(board: Board) -> None:
    """Load the weights that the board still waits for."""
    with progress_bar() as bar:
        task = bar.add_task("loading weights", total=board.words_missing())
        for count in board.load_weights():
            bar.advance(task, count)


def _classify(board: Board, images: npt.NDArray[Any]) -> list[Answer]:
    """Print each answer as it comes, and return all.

    :raises LinkError: the board stopped answering; the sentence says at which image.
    """
    answers: list[Answer] = []
    with progress_bar() as bar:
        task = bar.add_task("board", total=len(images))
        try:
            for answer in board.classify(images):
                answers.append(answer)
                print(json.dumps(answer.to_json()))
                bar.advance(task)
        except LinkError as error:
            raise LinkError(
                f"{error} Images {len(answers)} to {len(images) - 1} have no answer."
            ) from error
    return answers


def _compare(network: Network, expected: batch.Decisions, answers: list[Answer]) -> int:
    """Say what differs first between sim and the board; return the exit status."""
    for index, answer in enumerate(answers):
        wanted, found = expected.to_json(index), answer.to_json()
        for key in COMPARED:
            if wanted[key] != found[key]:
                print(
                    f"difference: image {index}, {key}: expected {wanted[key]}, found {found[key]}",
                    file=sys.stderr,
                )
                return DIFFERENT
    print(f"{len(answers)} answers, 0 differences from sim ({network.digest:08x})", file=sys.stderr)
    return 0
