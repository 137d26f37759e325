"""``python -m hw learn``: arguments, files and figures of a run of :mod:`hw.link.teach`."""

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hw.boards.table import BOARDS
from hw.commands.options import DIFFERENT, add_check, add_port, patience_s
from hw.link.client import Board
from hw.link.serial_line import SerialLine
from hw.link.teach import CourseSettings, DifferenceError, Tally, Teacher
from sim.commands import options
from sim.commands.command_line import STANDARD_OUTPUT, Commands, add_command
from sim.commands.learnt import write_learnt
from sim.console import INTERRUPTED, progress_bar
from sim.data import dataset
from sim.errors import InputError
from sim.file import NETWORK_FILE, load
from sim.network import Network

EXAMPLE = "build/start --port /dev/ttyUSB0 --dataset mnist --skip 0,230 --out build/learnt"

SKIP = (192, 243)
"""For a network that is trained, which large steps would first unlearn."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "learn", "teach a board labelled images", EXAMPLE, run)
    parser.add_argument(
        "network",
        type=Path,
        metavar="DIR",
        help="folder of the network that the board was built with",
    )
    add_port(parser, "hw emulate --learn")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="DIR", help="begin with these weights (DIR's)"
    )
    options.add_dataset(parser)
    options.add_limit(parser)
    options.add_epochs(parser, default=1)
    options.add_seed(parser, "order and draws")
    options.add_skip(parser, SKIP, ",".join(map(str, SKIP)))
    add_check(parser, "every lesson and the weights")
    options.add_out(parser, "the learnt network, and its figures")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Teach the board, and keep what it learnt."""
    network = load(arguments.network)
    start = network if arguments.source is None else load(arguments.source)
    data = dataset.load(arguments.dataset, arguments.data)
    if network.classes != data.classes:
        raise InputError(
            f"classes: the network decides between {network.classes}, "
            f"{data.name} has {data.classes}."
        )
    used = data.split()[0][: arguments.limit]
    images, labels = data.train_images[used], data.train_labels[used].astype(int)
    settings = CourseSettings(arguments.epochs, arguments.seed, arguments.skip)

    patience = patience_s(network, arguments.baud)
    with Board(SerialLine(arguments.port, arguments.baud), network, patience) as board:
        teacher = Teacher(board, start, images, labels, settings, arguments.check)
        try:
            finished, learnt = _teach(teacher)
        except DifferenceError as error:
            print(f"difference: {error}", file=sys.stderr)
            return DIFFERENT
        clocks_hz = {board.name: board.clock_hz for board in BOARDS.values() if board.pins}
        figures = teacher.to_json(clocks_hz)
        figures |= {"finished": finished, "digest": f"{learnt.digest:08x}"}

    learnt = replace(learnt, provenance={"command": "hw learn", **figures})
    write_learnt(arguments.out, learnt, data.test_images, figures)
    if arguments.json == STANDARD_OUTPUT:
        print(json.dumps(figures, indent=2))
    elif arguments.json is not None:
        options.write_text(arguments.json, json.dumps(figures, indent=2) + "\n")
    print(_summary(figures, arguments), file=sys.stderr)
    return 0 if finished else INTERRUPTED


def _teach(teacher: Teacher) -> tuple[bool, Network]:
    """Load, teach, fetch; return whether the course is finished, and the network learnt."""
    with progress_bar() as bar:
        task = bar.add_task("loading weights", total=teacher.words)
        for count in teacher.load():
            bar.advance(task, count)

        task = bar.add_task("learning", total=len(teacher.labels) * teacher.settings.epochs)
        with _interruptible() as interrupted:

            def go_on(tally: Tally) -> bool:
                bar.update(task, advance=1, description=f"learning, {tally.accuracy:.1%} right")
                return not interrupted

            finished = teacher.run(go_on)

        task = bar.add_task("fetching weights", total=teacher.words)
        return finished, teacher.fetch(lambda count: bar.advance(task, count))


@contextlib.contextmanager
def _interruptible() -> Generator[list[int]]:
    """Let the first Ctrl-C only fill the list: a run then ends between two lessons. The second is
    an ordinary one.
    """
    interrupted: list[int] = []

    def note(number: int, _: object) -> None:
        interrupted.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _summary(figures: dict[str, Any], arguments: argparse.Namespace) -> str:
    """Return the figures in a few lines."""
    begin = "" if figures["finished"] else "interrupted; "
    lines = [
        f"{begin}{figures['images']} images learnt, "
        f"{figures['accuracy']:.2%} right before they were, "
        f"{figures['accuracy_last']:.2%} of the last ones",
        f"{figures['updated']} updates, {figures['skipped']} skipped; "
        f"{figures['rows_per_update']:.1f} rows and "
        f"{figures['weights_per_update']:.0f} weights per update",
        f"{figures['cycles_per_image']:.0f} cycles per image, "
        f"{figures['cycles_per_update']:.0f} per update; "
        f"{figures['seconds_on_this_board']:.3g} s at this board's clock",
        f"network: {arguments.out / NETWORK_FILE}",
    ]
    if arguments.check:
        lines.append(f"{figures['images']} lessons and all weights, 0 differences from sim")
    return "\n".join(lines)
