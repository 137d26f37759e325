"""``python -m sim run``: one JSON object per sample."""

import argparse
import json
from pathlib import Path

from sim.batch import Decisions
from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.commands.decide import decide
from sim.file import load
from sim.pipeline import run as run_one
from sim.vectors import save_vectors

EXAMPLE = "build/mnist --images digits.npy"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "run", "one JSON object per sample", EXAMPLE, run)
    options.add_network(parser)
    options.add_images(parser)
    parser.add_argument(
        "--trace", type=Path, metavar="FILE.safetensors", help="also write every spike"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run images on the integer machine; where there are labels, add them to the objects."""
    network = load(arguments.network)
    given = options.read_images(arguments, network)
    assert given is not None, "the parser demands images"

    decisions: Decisions = decide(network, given.images)
    for index in range(len(given.images)):
        extra = {} if given.labels is None else {"label": int(given.labels[index])}
        print(json.dumps(decisions.to_json(index) | extra))

    if arguments.trace is not None:
        traces = [run_one(network, given.images[index]) for index in range(len(given.images))]
        save_vectors(arguments.trace, network, given.images, traces)
    return 0
