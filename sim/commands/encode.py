"""``python -m sim encode``: images or series as a file of events."""

import argparse
from pathlib import Path
from typing import Any

import numpy.typing as npt

from sim.commands import options
from sim.commands.command_line import Commands, Parser, add_command, one_of, real, whole
from sim.console import progress_bar
from sim.data import dataset
from sim.data.encodings import ENCODINGS, Encoded, Settings, encode
from sim.data.event_file import write_events
from sim.errors import InputError, check_labels
from sim.reading import read_array

EXAMPLE = "mnist --encoding latency --ticks 100 --limit 1000 --out build/mnist-latency.npz"

REALS = {
    "tau": "time constant of latency, in ticks",
    "theta": "latency, direct: what a value must be over, between 0 and 1",
    "rate": "chance of a spike per tick of a value of 1, at most 1",
    "step": "delta: change of a value per event",
}
"""The options that are numbers."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "encode", "images or series as a file of events", EXAMPLE, run)
    names = ", ".join(dataset.SOURCES)
    text = f"{names}, or FILE.npy: uint8 (n, height, width), or floats (n, time, channels)"
    parser.add_argument("samples", metavar="DATA", help=text)
    parser.add_argument(
        "--encoding",
        type=one_of(*ENCODINGS),
        required=True,
        metavar="|".join(ENCODINGS),
        help="the input code",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.npz", help="the event file"
    )

    _add_settings(parser)
    parser.add_argument(
        "--part",
        type=one_of("train", "test"),
        metavar="train|test",
        help="of a data set (test)",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE.npy", help="of a file's samples: integers (n,)"
    )
    options.add_data(parser)
    options.add_limit(parser)
    options.add_json(parser)


def _add_settings(parser: Parser) -> None:
    """Add the constants of the codes."""
    usual = Settings()
    parser.add_argument(
        "--ticks",
        type=whole(1),
        default=usual.ticks,
        metavar="N",
        help=f"of an image; a series has one per value ({usual.ticks})",
    )
    for name, text in REALS.items():
        value = getattr(usual, name)
        parser.add_argument(
            f"--{name}", type=real, default=value, metavar="X", help=f"{text} ({value})"
        )
    options.add_seed(parser, "rate", usual.seed)


def run(arguments: argparse.Namespace) -> int:
    """Write the events, and say what a network needs to take them."""
    names = ("ticks", *REALS, "seed")
    settings = Settings(**{name: getattr(arguments, name) for name in names})
    data, labels = _read(arguments)
    with progress_bar() as bar:
        task = bar.add_task(arguments.encoding, total=len(data))
        found = encode(
            arguments.encoding, data, settings, labels, lambda count: bar.advance(task, count)
        )
    write_events(arguments.out, found.events)

    figures = _figures(found)
    options.show(figures, arguments.json, lambda: print(_sentence(arguments.out, figures)))
    return 0


def _read(arguments: argparse.Namespace) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Return the samples of the command line, and their labels if there are any."""
    limit = arguments.limit
    if arguments.samples in dataset.SOURCES:
        if arguments.labels is not None:
            raise InputError("--labels: belong to the samples of a file; a data set has its own.")
        data = dataset.load(arguments.samples, arguments.data)
        part = arguments.part or "test"
        images, known = getattr(data, f"{part}_images"), getattr(data, f"{part}_labels")
        return images[:limit], known[:limit]

    for name in ("part", "data"):
        if getattr(arguments, name) is not None:
            names = ", ".join(dataset.SOURCES)
            raise InputError(f"--{name}: belongs to a data set; name one of {names}.")
    samples = read_array(arguments.samples)
    if arguments.labels is None:
        return samples[:limit], None
    labels = read_array(arguments.labels)
    check_labels(labels, len(samples), 2**63 - 1)
    return samples[:limit], labels[:limit]


def _figures(found: Encoded) -> dict[str, Any]:
    events = found.events
    return {
        "samples": len(events),
        "events": len(events.tick),
        "events_per_sample": len(events.tick) / len(events),
        "inputs": found.inputs,
        "last_tick": found.last_tick,
        "labels": events.label is not None,
    }


def _sentence(path: Path, figures: dict[str, Any]) -> str:
    return (
        f"{path}: {figures['samples']:,} samples, {figures['events_per_sample']:,.1f} events each, "
        f"for {figures['inputs']:,} inputs and a last tick of at least {figures['last_tick']:,}"
    )
