"""``python -m sim frontier``: the results of a sweep as table, JSON and figure."""

import argparse
import json
from pathlib import Path

from rich.console import Console

from sim.files import atomic_path
from sim.report.frontier import COSTS, frontier
from sim.report.frontier_file import open_results

EXAMPLE = "python -m sim frontier build/sweep --cost reads --plot build/frontier.svg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "results", type=Path, metavar="RESULTS", help="folder of a sweep, or its results.sqlite"
    )
    parser.add_argument(
        "--dataset", default="mnist", metavar="NAME", help="networks trained on this one (mnist)"
    )
    parser.add_argument(
        "--cost", choices=COSTS, default="reads", help="what accuracy is set against (reads)"
    )
    parser.add_argument("--front", action="store_true", help="leave out what is not on the front")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write the frontier as JSON; - for standard output",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="write the figure")


def command(arguments: argparse.Namespace) -> int:
    """Print the table, or the JSON; write what is asked for."""
    with open_results(arguments.results) as results:
        points = results.points()
    found = frontier(points, arguments.dataset, arguments.cost)
    text = json.dumps(found.to_json(), indent=2)
    if arguments.plot is not None:
        from sim.report.frontier_plot import svg  # slow to import

        with atomic_path(arguments.plot) as beside:
            beside.write_text(svg(found), encoding="utf-8")
    if arguments.json == Path("-"):
        print(text)
        return 0
    if arguments.json is not None:
        with atomic_path(arguments.json) as beside:
            beside.write_text(text + "\n", encoding="utf-8")
    Console().print(found.table(arguments.front))
    return 0
