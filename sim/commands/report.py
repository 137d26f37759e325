"""``python -m sim report``: accuracy and cost over the test part of a data set."""

import argparse
import sys
from pathlib import Path

from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.commands.decide import decide
from sim.console import console
from sim.data import dataset
from sim.file import load
from sim.report.page import page
from sim.report.report import Report

EXAMPLE = "build/mnist --dataset mnist --html build/mnist/report.html"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "report", "figures over a test set", EXAMPLE, run)
    options.add_network(parser)
    options.add_dataset(parser)
    options.add_limit(parser)
    options.add_json(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a self-contained page")


def run(arguments: argparse.Namespace) -> int:
    """Run the test images, and show what they cost."""
    network = load(arguments.network)
    data = dataset.load(arguments.dataset, arguments.data)
    images, labels = data.test_images[: arguments.limit], data.test_labels[: arguments.limit]

    report = Report(network, images, labels, decide(network, images))
    options.show(report.to_json(), arguments.json, lambda: console().print(report.table()))
    if arguments.html is not None:
        options.write_text(arguments.html, page(report))
        print(f"report: {arguments.html}", file=sys.stderr)
    return 0
