"""``python -m hw emulate``, ``program``, ``classify``: boards that are there, or seem to be."""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hw.bench.emulate import Terminal, VirtualBoard, serve
from hw.boards.table import find_board
from hw.boards.top import BAUD
from hw.commands.build import command, pipeline_parameters
from hw.flow.program import program
from hw.link.client import Answer, Board
from hw.link.exchange import LinkError
from hw.link.serial_line import SerialLine
from hw.parameters import FULL
from hw.rows import SPRAM, flash
from sim import batch
from sim.console import progress_bar
from sim.data import dataset
from sim.errors import InputError
from sim.file import load, network_path
from sim.network import Network

DIFFERENT = 1
"""Exit status when a board and ``sim`` differ."""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of ``python -m hw``."""
    run = command(
        commands,
        "emulate",
        "run a virtual board",
        "python -m hw emulate build/mnist --lanes 20",
        _emulate,
    )
    run.add_argument(
        "network", type=Path, metavar="DIR", help="folder of network.safetensors, or the file"
    )
    run.add_argument(
        "--lanes",
        default=FULL,
        metavar="N|full",
        help="neurons of the widest layer per cycle (full)",
    )
    run.add_argument(
        "--weights",
        choices=("block", "spram", "flash"),
        default="block",
        help="block RAM; or SPRAM, which a host loads; or flash (block)",
    )
    run.add_argument("--learn", action="store_true", help="with the learner, for `hw learn`")
    run.add_argument(
        "--port",
        type=Path,
        metavar="LINK",
        help="also offer the port under this name, as a symbolic link",
    )
    load_it = command(
        commands,
        "program",
        "load a bitstream",
        "python -m hw program build/mnist --board icebreaker",
        _program,
    )
    load_it.add_argument("network", type=Path, metavar="DIR", help="folder given to `hw build`")
    load_it.add_argument(
        "--board", required=True, metavar="NAME", help="as listed by `python -m hw boards`"
    )
    load_it.add_argument(
        "--flash", action="store_true", help="into the board's flash, so that it stays"
    )
    ask = command(
        commands,
        "classify",
        "let a board classify images",
        "python -m hw classify build/mnist --port /dev/ttyUSB0 --dataset mnist --limit 100",
        _classify,
    )
    ask.add_argument(
        "network", type=Path, metavar="DIR", help="folder of network.safetensors, or the file"
    )
    ask.add_argument(
        "--port", required=True, metavar="P", help="serial port, or what `hw emulate` offers"
    )
    ask.add_argument(
        "--baud", type=int, default=BAUD, metavar="N", help=f"bits per second, as built ({BAUD})"
    )
    images = ask.add_mutually_exclusive_group(required=True)
    images.add_argument("--images", type=Path, metavar="FILE.npy", help="uint8 (n, height, width)")
    images.add_argument(
        "--dataset", metavar="NAME", help=f"test images of {', '.join(dataset.CLASSES)}"
    )
    ask.add_argument("--limit", type=int, metavar="N", help="only the first N images")
    ask.add_argument("--check", action="store_true", help="hold every answer against sim")


def _emulate(arguments: argparse.Namespace) -> int:
    parameters = pipeline_parameters(arguments)
    if arguments.weights == "spram":
        parameters = parameters.with_placement(parameters.largest_layer, SPRAM)
    elif arguments.weights == "flash":
        parameters = parameters.with_placement(parameters.largest_layer, flash())
    link: Path | None = arguments.port
    if link is not None and (link.exists() or link.is_symlink()):
        raise InputError(f"--port: {link} exists; give another name, or remove it.")
    with progress_bar() as bar:
        bar.add_task("compiling the board", total=None)
        board = VirtualBoard(parameters)
    terminal = Terminal()
    for ends in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # both take the link away; a shell's background job ignores the first
        signal.signal(ends, signal.default_int_handler)
    try:
        if link is not None:
            link.symlink_to(terminal.port)
        print(link or terminal.port, flush=True)
        print("a board is there until Ctrl-C", file=sys.stderr)
        serve(board, terminal)
    finally:
        if link is not None:
            link.unlink(missing_ok=True)
        terminal.close()
        board.close()
    return 0


def _program(arguments: argparse.Namespace) -> int:
    board = find_board(arguments.board)
    program(board, network_path(arguments.network).parent / board.name, arguments.flash)
    return 0


def _classify(arguments: argparse.Namespace) -> int:
    if arguments.limit is not None and arguments.limit < 1:
        raise InputError(f"--limit: must be at least 1, not {arguments.limit}.")
    network = load(arguments.network)
    images, labels = _images(arguments)
    expected = batch.run(network, images) if arguments.check else None
    answers: list[Answer] = []
    with Board(SerialLine(arguments.port, arguments.baud), network) as board, progress_bar() as bar:
        if missing := board.words_missing():
            loading = bar.add_task("loading weights", total=missing)
            for count in board.load_weights():
                bar.advance(loading, count)
        task = bar.add_task("board", total=len(images))
        clock_hz = board.read("clock_hz")
        began_s = time.monotonic()
        try:
            for answer in board.classify(images):
                answers.append(answer)
                print(json.dumps(answer.to_json()))
                bar.advance(task)
        except LinkError as error:
            raise LinkError(
                f"{error} Images {len(answers)} to {len(images) - 1} have no answer."
            ) from error
    seconds = time.monotonic() - began_s
    mean_us = sum(answer.cycles for answer in answers) / max(1, len(answers)) / clock_hz * 1e6
    print(
        f"{len(answers)} images, {len(answers) / seconds:.0f} per second, {mean_us:.1f} us each",
        file=sys.stderr,
    )
    if labels is not None:
        right = sum(answer.decision == label for answer, label in zip(answers, labels, strict=True))
        print(f"accuracy {right / len(answers):.2%}", file=sys.stderr)
    return 0 if expected is None else _check(network, expected, answers)


def _check(network: Network, expected: batch.Decisions, answers: list[Answer]) -> int:
    for index, answer in enumerate(answers):
        wanted, found = expected.to_json(index), answer.to_json()
        for key in ("decision", "tick", "timed_out", "events"):
            if wanted[key] != found[key]:
                print(
                    f"difference: image {index}, {key}: expected {wanted[key]}, found {found[key]}",
                    file=sys.stderr,
                )
                return DIFFERENT
    print(f"{len(answers)} answers, 0 differences from sim ({network.digest:08x})", file=sys.stderr)
    return 0


def _images(arguments: argparse.Namespace) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    if arguments.dataset is not None:
        data = dataset.load(arguments.dataset)
        return data.test_images[: arguments.limit], data.test_labels[: arguments.limit]
    try:
        images = np.load(arguments.images, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{arguments.images}: is not a .npy file ({error}); write it with numpy.save."
        ) from error
    return images[: arguments.limit], None
