"""``python -m sim frontier``: the results of a sweep as table, JSON and figure."""

import argparse
from pathlib import Path

from sim.commands import options
from sim.commands.command_line import Commands, add_command, one_of
from sim.console import console
from sim.report.frontier import COSTS, frontier
from sim.report.frontier_file import open_results

EXAMPLE = "build/sweep --cost reads --plot build/frontier.svg"


def add(commands: Commands) -> None:
    """Declare the command."""
    text = "accuracy against cost over a sweep's networks"
    parser = add_command(commands, "frontier", text, EXAMPLE, run)
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="folder of a sweep, or its results.sqlite"
    )

    parser.add_argument(
        "--dataset",
        default=options.DATASET,
        metavar="NAME",
        help=f"networks trained on this one ({options.DATASET})",
    )
    parser.add_argument(
        "--cost",
        type=one_of(*COSTS),
        default="reads",
        metavar="|".join(COSTS),
        help="what accuracy is set against (reads)",
    )

    parser.add_argument("--front", action="store_true", help="leave out what is not on the front")
    options.add_json(parser, "the frontier")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="write the figure")


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or the JSON; write what is asked for."""
    with open_results(arguments.results) as results:
        points = results.points()
    found = frontier(points, arguments.dataset, arguments.cost)

    if arguments.plot is not None:
        from sim.report.frontier_plot import svg  # slow to import

        options.write_text(arguments.plot, svg(found))
    options.show(
        found.to_json(), arguments.json, lambda: console().print(found.table(arguments.front))
    )
    return 0
