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

from hw.boards.top import BAUD
from hw.commands.build import command
from hw.link.client import Board
from hw.link.serial_line import SerialLine
from hw.link.teach import CourseSettings, DifferenceError, Tally, Teacher
from sim.console import INTERRUPTED, progress_bar
from sim.data import dataset
from sim.errors import InputError
from sim.file import NETWORK_FILE, load, save
from sim.files import atomic_path
from sim.network import Network
from sim.pipeline import run as run_image
from sim.vectors import VECTORS_FILE, save_vectors

EXAMPLE = "python -m hw learn build/start --port /dev/ttyUSB0 --dataset mnist --thin 0 230 --out build/learnt"

DIFFERENT = 1
"""Exit status when a board and ``sim`` differ."""

VECTORS = 16
"""Test images whose traces are written beside the network."""


def add_commands(commands: Any) -> None:
    """Add the command to the parser of ``python -m hw``."""
    teach = command(commands, "learn", "teach a board labelled images", EXAMPLE, _learn)
    teach.add_argument(
        "network",
        type=Path,
        metavar="DIR",
        help="folder of the network that the board was built with",
    )
    teach.add_argument(
        "--port",
        required=True,
        metavar="P",
        help="serial port, or what `hw emulate --learn` offers",
    )
    teach.add_argument(
        "--baud", type=int, default=BAUD, metavar="N", help=f"bits per second, as built ({BAUD})"
    )
    teach.add_argument(
        "--from", dest="source", type=Path, metavar="DIR2", help="begin with these weights (DIR's)"
    )
    teach.add_argument(
        "--dataset", default="mnist", metavar="NAME", help=f"{', '.join(dataset.CLASSES)} (mnist)"
    )
    teach.add_argument(
        "--data", type=Path, metavar="DIR3", help="folder of the data set's IDX files"
    )
    teach.add_argument("--limit", type=int, metavar="N", help="only the first N training images")
    teach.add_argument(
        "--epochs", type=int, default=1, metavar="N", help="times each image is learnt (1)"
    )
    teach.add_argument("--seed", type=int, default=1, metavar="N", help="of order and draws (1)")
    teach.add_argument(
        "--thin",
        type=int,
        nargs=2,
        default=(192, 243),
        metavar=("A", "B"),
        help="rows left alone of 256 (192 243)",
    )
    teach.add_argument(
        "--check", action="store_true", help="hold every lesson and the weights against sim"
    )
    teach.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR4",
        help="the learnt network, and its figures",
    )
    teach.add_argument("--json", action="store_true", help="print the figures as JSON")


def _learn(arguments: argparse.Namespace) -> int:
    if arguments.limit is not None and arguments.limit < 1:
        raise InputError(f"--limit: must be at least 1, not {arguments.limit}.")
    network = load(arguments.network)
    start = network if arguments.source is None else load(arguments.source)
    data = dataset.load(arguments.dataset, arguments.data)
    if network.classes != data.classes:
        raise InputError(
            f"classes: the network decides between {network.classes}, {data.name} has {data.classes}."
        )
    used = data.split()[0][: arguments.limit]
    settings = CourseSettings(arguments.epochs, arguments.seed, tuple(arguments.thin))
    with Board(SerialLine(arguments.port, arguments.baud), network) as board:
        images, labels = data.train_images[used], data.train_labels[used].astype(int)
        teacher = Teacher(board, start, images, labels, settings, arguments.check)
        try:
            finished, learnt = _teach(teacher)
        except DifferenceError as error:
            print(f"difference: {error}", file=sys.stderr)
            return DIFFERENT
        figures = teacher.to_json() | {"finished": finished, "digest": f"{learnt.digest:08x}"}
    _write(
        arguments.out, replace(learnt, provenance={"command": "hw learn", **figures}), data, figures
    )
    if arguments.json:
        print(json.dumps(figures, indent=2))
    _say(figures, arguments)
    return 0 if finished else INTERRUPTED


def _teach(teacher: Teacher) -> tuple[bool, Network]:
    """Load, teach, fetch; return whether the course is finished, and the network that was learnt."""
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


def _write(folder: Path, network: Network, data: dataset.Dataset, figures: dict[str, Any]) -> None:
    """Write the network, its vectors and the figures."""
    save(network, folder / NETWORK_FILE)
    images = data.test_images[:VECTORS]
    save_vectors(
        folder / VECTORS_FILE, network, images, [run_image(network, image) for image in images]
    )
    with atomic_path(folder / "learning.json") as beside:
        beside.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _say(figures: dict[str, Any], arguments: argparse.Namespace) -> None:
    end = "" if figures["finished"] else "interrupted; "
    lines = [
        f"{end}{figures['images']} images learnt, {figures['accuracy']:.2%} right before they were, "
        f"{figures['accuracy_last']:.2%} of the last ones",
        f"{figures['updated']} updates, {figures['skipped']} skipped; {figures['rows_per_update']:.1f} rows and "
        f"{figures['weights_per_update']:.0f} weights per update",
        f"{figures['cycles_per_image']:.0f} cycles per image, {figures['cycles_per_update']:.0f} per update; "
        f"{figures['seconds_on_this_board']:.3g} s at this board's clock",
        f"network: {arguments.out / NETWORK_FILE}",
    ]
    if arguments.check:
        lines.append(f"{figures['images']} lessons and all weights, 0 differences from sim")
    print("\n".join(lines), file=sys.stderr)
