"""``python -m hw simulate``: the gateware, in every variant that is built, compared with sim."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hw.bench.engines import ENGINES
from hw.bench.lesson_check import learn_in_gateware
from hw.bench.lessons import Course, Lessons
from hw.bench.simulate import DifferenceError, Simulation, simulate
from hw.commands.options import (
    DIFFERENT,
    add_board,
    add_lanes,
    add_reuse,
    add_variant,
    exchangeable,
    machine,
    vectors,
)
from hw.parameters import MachineParameters
from sim.commands import options
from sim.commands.command_line import STANDARD_OUTPUT, Commands, add_command, one_of
from sim.commands.options import Images
from sim.console import progress_bar
from sim.errors import InputError
from sim.learning.schedule import check_skip, first_state, skipping
from sim.network import Network
from sim.vectors import VECTORS_FILE, WRITERS

EXAMPLE = "build/mnist --engine amaranth --weights spram"

SKIP = (0, 230)
"""Rows that lessons skip of 256: few at first, most at the end."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "simulate", "compare with sim", EXAMPLE, run)
    options.add_network(parser)
    add_lanes(parser)
    add_variant(parser)
    add_board(parser, required=False, text="store the weights as on this board")
    add_reuse(parser, "with weights that others can replace, as `hw build --reuse` makes it")
    options.add_images(parser, required=False)
    options.add_seed(parser, "the draws of --learn")
    options.add_skip(parser, SKIP, f"{SKIP[0]},{SKIP[1]}; of --learn")
    parser.add_argument(
        "--engine",
        type=one_of(*ENGINES),
        default="verilator",
        metavar="|".join(ENGINES),
        help="simulator (verilator)",
    )
    parser.add_argument(
        "--vcd", type=Path, metavar="FILE", help="keep the pipeline's signals for GTKWave or Surfer"
    )
    options.add_json(parser, "one object per image, as without it,")


def run(arguments: argparse.Namespace) -> int:
    """Run images, or lessons, and print what they did; stop where the gateware differs from sim."""
    if arguments.vcd is not None and arguments.engine != "amaranth":
        raise InputError("--vcd: only the Amaranth engine writes one; add --engine amaranth.")
    check_skip(*arguments.skip)
    parameters = machine(arguments)
    if arguments.reuse:
        parameters = exchangeable(parameters)
    given = _images(arguments, parameters.network)

    lines: list[str] = []
    try:
        for found in _run(arguments, parameters, given):
            lines.append(json.dumps(found))
            if arguments.json in (None, STANDARD_OUTPUT):
                print(lines[-1])
    except DifferenceError as error:
        print(f"difference: {error}", file=sys.stderr)
        return DIFFERENT

    if arguments.json not in (None, STANDARD_OUTPUT):
        options.write_text(arguments.json, "".join(f"{line}\n" for line in lines))
    what = "images" if parameters.rule is None else "lessons and all weights"
    print(f"{len(lines)} {what}, 0 differences", file=sys.stderr)
    return 0


def _images(arguments: argparse.Namespace, network: Network) -> Images:
    """Return the images of the command line, or those of the vectors beside the network.

    :raises InputError: there are none, or not for this network.
    """
    given = options.read_images(arguments, network)
    if given is None:
        known = vectors(arguments, network)
        if known is None:
            raise InputError(
                f"--images: there is no {VECTORS_FILE} beside the network; give --images or "
                f"--dataset, or write it with {WRITERS}."
            )
        given = Images(known[0][: arguments.limit], None)
    if len(given.images) == 0:
        raise InputError("--images: there are no vectors; give --images or --dataset.")
    return given


def _run(
    arguments: argparse.Namespace, parameters: MachineParameters, given: Images
) -> Iterator[dict[str, Any]]:
    """Yield what the gateware did with each image, after it was compared with sim."""
    with progress_bar() as bar:
        task = bar.add_task("building the model", total=len(given.images))
        if parameters.rule is None:
            simulation = Simulation(parameters, arguments.engine, arguments.vcd)
            bar.update(task, description="gateware")
            done = simulate(simulation, given.images, lambda count: bar.advance(task, count))
            yield from (trace.to_json() for trace in done)
        else:
            lessons = Lessons(parameters, arguments.engine, arguments.vcd)
            bar.update(task, description="lessons", total=None)
            yield from learn_in_gateware(lessons, _course(arguments, parameters.network, given))


def _course(arguments: argparse.Namespace, network: Network, given: Images) -> Course:
    """Return the lessons: images without labels are learnt as the classes in turn."""
    count = len(given.images)
    labels = np.arange(count) % len(network.classes) if given.labels is None else given.labels
    return Course(
        given.images,
        labels.astype(np.int64),
        skipping(arguments.skip, epoch=1, epochs=1, count=count),
        first_state(arguments.seed),
    )
