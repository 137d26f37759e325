"""``python -m train sweep``: many networks, trained on a Dask cluster, one row of results each."""

import argparse
import json
import sys
from pathlib import Path

from sim.commands import options
from sim.commands.command_line import STANDARD_OUTPUT, Commands, add_command
from sim.errors import InputError
from sim.report.frontier_file import Point
from train.sweep.cluster import connect
from train.sweep.spec import read_spec

EXAMPLE = "zoo/mnist.toml --out build/sweep --workers 2"

FAILED = 1
"""Exit status when a point failed."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "sweep", "train many networks on a Dask cluster", EXAMPLE, run)
    parser.add_argument(
        "spec", type=Path, metavar="SPEC.toml", help="settings and grids; see docs/frontier.md"
    )
    options.add_out(parser, "folder of results and networks")
    options.add_data(parser)
    options.add_workers(parser, 1, "processes on this machine (1)")
    parser.add_argument("--retry", action="store_true", help="also train points that failed before")
    options.add_json(parser, "one object per finished point")


def run(arguments: argparse.Namespace) -> int:
    """Train what the folder has no result of, and report each point as it is finished."""
    from train.sweep.run import run_sweep  # Dask is slow to import, and only this command needs it

    points = read_spec(arguments.spec)
    names = sorted({settings.dataset for settings in points})
    if arguments.data is not None and len(names) > 1:
        raise InputError(
            f"--data: is one data set's folder, {arguments.spec} names {' and '.join(names)}; "
            "split it."
        )

    objects: list[str] = []

    def report(point: Point) -> None:
        objects.append(json.dumps(_to_json(point)))
        to_output = arguments.json == STANDARD_OUTPUT
        print(objects[-1] if to_output else _line(point), flush=True)

    with connect(arguments.workers, arguments.scheduler) as client:
        local = arguments.scheduler is None
        data = None if arguments.data is None else arguments.data.absolute()
        rows = run_sweep(points, arguments.out, client, data, arguments.retry, local, report)

    if arguments.json not in (None, STANDARD_OUTPUT):
        options.write_text(arguments.json, "".join(f"{line}\n" for line in objects))
    failed = [row for row in rows if row.error]
    compare = f"`python -m sim frontier {arguments.out}` compares them on test images"
    print(f"{len(rows)} points, {len(failed)} failed; {compare}", file=sys.stderr)
    return FAILED if failed else 0


def _to_json(point: Point) -> dict[str, object]:
    """Return a finished point without its accuracy on test images: ``sim frontier`` shows that when
    nothing can be chosen by it any more.
    """
    figures = {} if point.figures is None else dict(vars(point.figures))
    figures.pop("accuracy", None)
    return {
        "key": point.key,
        "settings": point.settings,
        "seconds": point.seconds,
        "error": point.error,
        **figures,
    }


def _line(point: Point) -> str:
    name = f"{point.key} seed {point.settings['seed']}"
    if point.figures is None:
        return f"{name}: {point.error}"
    validation, reads = point.figures.validation, point.figures.reads
    return f"{name}: validation {validation:.2%}, {reads:,.0f} reads, {point.seconds:.0f} s"
