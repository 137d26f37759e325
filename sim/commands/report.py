"""``python -m sim report``: accuracy and cost over the test part of a data set."""

import argparse
import sys
from pathlib import Path
from typing import Any

from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.commands.decide import decide
from sim.console import console
from sim.data import dataset
from sim.data.event_file import read_events
from sim.errors import InputError
from sim.file import load
from sim.report.page import page
from sim.report.report import Report

EXAMPLE = "build/mnist --dataset mnist --html build/mnist/report.html"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "report", "figures over a test set", EXAMPLE, run)
    options.add_network(parser)
    options.add_dataset(parser)
    options.add_events(parser)
    options.add_limit(parser)
    options.add_json(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a self-contained page")


def run(arguments: argparse.Namespace) -> int:
    """Run the test images, and show what they cost."""
    network = load(arguments.network)
    samples, labels = _samples(arguments)

    report = Report(network, samples, labels, decide(network, samples))
    options.show(report.to_json(), arguments.json, lambda: console().print(report.table()))
    if arguments.html is not None:
        options.write_text(arguments.html, page(report))
        print(f"report: {arguments.html}", file=sys.stderr)
    return 0


def _samples(arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Return what the command line asks for, and the labels."""
    if arguments.events is None:
        data = dataset.load(arguments.dataset, arguments.data)
        return data.test_images[: arguments.limit], data.test_labels[: arguments.limit]

    events = read_events(arguments.events)
    if events.label is None:
        raise InputError(f"{arguments.events}: has no labels to report on; add the array label.")
    events = events[: arguments.limit]
    return events, events.label
