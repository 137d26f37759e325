"""``python -m train sweep``: many networks, trained on a Dask cluster, one row of results each."""

import argparse
import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sim.errors import InputError
from sim.report.frontier_file import Point
from train.sweep.spec import read_spec

if TYPE_CHECKING:
    from distributed import Client

EXAMPLE = "python -m train sweep zoo/mnist.toml --out build/sweep --workers 2"

CONNECT_SECONDS = 15
"""How long a scheduler may take to answer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "spec", type=Path, metavar="SPEC.toml", help="settings and grids; see docs/frontier.md"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of results and networks"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of the data set's IDX files, on every worker",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes on this machine (1)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask cluster, such as tcp://host:8786"
    )
    parser.add_argument("--retry", action="store_true", help="also train points that failed before")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per finished point"
    )


def command(arguments: argparse.Namespace) -> int:
    """Run the sweep; exit status 1 if a point failed."""
    from train.sweep.run import run_sweep  # Dask is slow to import, and only this command needs it

    points = read_spec(arguments.spec)
    names = sorted({settings.dataset for settings in points})
    if arguments.data is not None and len(names) > 1:
        raise InputError(
            f"--data: is one data set's folder, {arguments.spec} names {' and '.join(names)}; split it."
        )
    report = _print_json if arguments.json else _print_line
    with connect(arguments.workers, arguments.scheduler) as client:
        local = arguments.scheduler is None
        data = None if arguments.data is None else arguments.data.absolute()
        rows = run_sweep(points, arguments.out, client, data, arguments.retry, local, report)
    failed = [row for row in rows if row.error]
    text = f"{len(rows)} points, {len(failed)} failed; `python -m sim frontier {arguments.out}` compares them"
    Console(stderr=True).print(text, highlight=False, soft_wrap=True)
    return 1 if failed else 0


@contextmanager
def connect(workers: int = 1, scheduler: str | None = None) -> Generator["Client"]:
    """Connect to a running scheduler, or start workers of one thread each on this machine.

    :raises InputError: no worker is wanted, or the scheduler does not answer.
    """
    from dask import config
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(
        logging.CRITICAL
    )  # what matters becomes one sentence of ours
    if workers < 1:
        raise InputError(f"--workers: must be at least 1, not {workers}.")
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"--scheduler {scheduler}: does not answer; start one with `dask scheduler`."
            ) from error
        with client:
            yield client
        return
    # a worker that is busy is not a dead one: dead processes are seen by their closed connections
    patient = config.set({"distributed.scheduler.worker-ttl": None})
    start = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    cluster = LocalCluster(**start, silence_logs=logging.CRITICAL)
    with patient, cluster, Client(cluster, set_as_default=False) as client:
        yield client


def _print_json(point: Point) -> None:
    figures = {} if point.figures is None else vars(point.figures)
    row = {
        "key": point.key,
        "settings": point.settings,
        "seconds": point.seconds,
        "error": point.error,
    }
    print(json.dumps(row | figures), flush=True)


def _print_line(point: Point) -> None:
    name = f"{point.key} seed {point.settings['seed']}"
    if point.figures is None:
        print(f"{name}: {point.error}", flush=True)
        return
    figures = point.figures
    accuracy = f"validation {figures.validation:.2%}, test {figures.accuracy:.2%}"
    print(f"{name}: {accuracy}, {figures.reads:,.0f} reads, {point.seconds:.0f} s", flush=True)
