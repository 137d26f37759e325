"""Options that commands of several packages share: each is declared here, and means the same
everywhere.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.commands.command_line import STANDARD_OUTPUT, Parser, whole
from sim.data import dataset
from sim.data.event_file import read_events
from sim.errors import InputError, check_labels
from sim.files import AnyPath, atomic_path
from sim.network import Network
from sim.reading import read_array

DATASET = "mnist"
"""Where a command needs a data set and none is named."""


def add_network(parser: Parser) -> None:
    """Add the network that a command works on."""
    parser.add_argument(
        "network", type=Path, metavar="DIR", help="folder of network.safetensors, or the file"
    )


def add_dataset(parser: Parser, default: str | None = DATASET) -> None:
    """Add the data set that a command works on, and where its files are."""
    names = ", ".join(dataset.SOURCES)
    parser.add_argument(
        "--dataset",
        default=default,
        metavar="NAME",
        help=names if default is None else f"{names} ({default})",
    )
    add_data(parser)


def add_data(parser: Parser) -> None:
    """Add where the files of a data set are."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set's IDX files"
    )


def add_limit(parser: Parser) -> None:
    """Add how many images are enough."""
    parser.add_argument("--limit", type=whole(1), metavar="N", help="only the first N images")


def add_images(parser: Parser, required: bool = True) -> None:
    """Add the images that a command works on: a file, or the test part of a data set."""
    either = parser.add_mutually_exclusive_group(required=required)
    either.add_argument(
        "--images", type=Path, metavar="FILE.npy", help="uint8 (n, height, width), or one"
    )
    either.add_argument(
        "--dataset", metavar="NAME", help=f"test images of {', '.join(dataset.SOURCES)}"
    )
    add_events(either)
    parser.add_argument(
        "--labels", type=Path, metavar="FILE.npy", help="of the images: integers (n,)"
    )
    add_data(parser)
    add_limit(parser)


def add_events(parser: Any) -> None:
    """Add a file of event samples.

    :param parser: or a group of it.
    """
    parser.add_argument(
        "--events", type=Path, metavar="FILE.npz", help="samples of events, with their labels"
    )


def add_epochs(parser: Parser, default: int, low: int = 1) -> None:
    """Add how often a command goes through its images."""
    parser.add_argument(
        "--epochs",
        type=whole(low),
        default=default,
        metavar="N",
        help=f"times each image is learnt ({default})",
    )


def add_seed(parser: Parser, what: str, default: int = 1) -> None:
    """Add the seed of what a command draws at random."""
    parser.add_argument(
        "--seed", type=whole(0), default=default, metavar="N", help=f"of {what} ({default})"
    )


def add_skip(parser: Parser, default: tuple[int, int] | None, text: str) -> None:
    """Add the share of rows that learning skips, at the start and at the end."""
    parser.add_numbers(
        "--skip",
        count=2,
        old="--thin",
        default=default,
        metavar="A,B",
        help=f"rows skipped of 256, first and last image ({text})",
    )


def add_json(parser: Parser, what: str = "the figures") -> None:
    """Add that the results are wanted as JSON."""
    parser.add_optional_file("--json", help=f"print {what} as JSON, or write them to FILE")


def add_out(parser: Parser, what: str, required: bool = True) -> None:
    """Add the folder that a command writes to."""
    parser.add_argument("--out", type=Path, required=required, metavar="DIR", help=what)


def add_workers(parser: Parser, default: int | None, text: str) -> None:
    """Add where the work is done: by processes on this machine, or by a Dask cluster."""
    parser.add_argument("--workers", type=whole(1), default=default, metavar="N", help=text)
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask cluster, such as tcp://host:8786"
    )


@dataclass(frozen=True, eq=False)
class Images:
    """What :func:`add_images` asked for.

    :param images: uint8 (n, ...), each of the network's image shape, or an
        :class:`~sim.encoders.events.EventList`.
    :param labels: integers (n,), as many as there are images; None: there are none.
    """

    images: Any
    labels: npt.NDArray[Any] | None


def read_images(arguments: argparse.Namespace, network: Network) -> Images | None:
    """Return the images of the command line, and their labels; None if it names none.

    One image without a first dimension is one image.

    :param network: that the images are for; labels are below the number of its classes.
    :raises InputError: a file or a data set cannot be read, there are no images in it, they are not
        for this network, or labels do not fit them.
    """
    images: Any = None
    labels: npt.NDArray[Any] | None = None
    if arguments.dataset is not None:
        data = dataset.load(arguments.dataset, arguments.data)
        images, labels = data.test_images, data.test_labels
    elif arguments.images is not None:
        images = read_array(arguments.images)
    elif getattr(arguments, "events", None) is not None:
        images = read_events(arguments.events)
        labels = images.label
    if arguments.labels is not None:
        if arguments.images is None:
            raise InputError("--labels: belong to the images of a file; give --images as well.")
        labels = read_array(arguments.labels)
    if images is None:
        return None

    shape = getattr(network.encoder, "image_shape", None)
    if shape is not None and getattr(images, "shape", None) == shape:
        images = images[np.newaxis]
    if network.encoder.count(images, network.last_tick) == 0:
        raise InputError("--images: there are none in it; give at least one.")
    if labels is not None:
        check_labels(labels, len(images), len(network.classes))
        labels = labels[: arguments.limit]
    return Images(images[: arguments.limit], labels)


def write_text(path: AnyPath, text: str) -> None:
    """Write a text file, whole or not at all.

    :raises InputError: it cannot be written.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def show(figures: Any, json_file: AnyPath | None, say: Callable[[], object]) -> None:
    """Give figures out: as JSON where ``--json`` says, and else by ``say``, for people.

    :param json_file: the value of ``--json``.
    :raises InputError: the file cannot be written.
    """
    json_file = None if json_file is None else Path(json_file)
    text = json.dumps(figures, indent=2) + "\n"
    if json_file == STANDARD_OUTPUT:
        print(text, end="")
        return
    if json_file is not None:
        write_text(json_file, text)
    say()
