"""``python -m sim run | report | describe | frontier``: the integer machine on the command line."""

import argparse
import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from rich.console import Console

from sim import batch
from sim.commands import frontier as frontier_command
from sim.console import progress_bar, run_command
from sim.data import dataset
from sim.errors import InputError, check_labels
from sim.file import load
from sim.files import atomic_path
from sim.network import Network
from sim.pipeline import run
from sim.report.describe import describe, table
from sim.report.page import page
from sim.report.report import Report
from sim.vectors import save_vectors


def main() -> int:
    """Parse the command line and run the chosen command."""
    arguments = _parser().parse_args()
    commands = {
        "run": _run,
        "report": _report,
        "describe": _describe,
        "frontier": frontier_command.command,
    }
    return commands[arguments.command](arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sim",
        description="Run a network on the integer machine and report how few weights it looks up.",
        epilog="example: python -m sim report build/mnist --dataset mnist --html build/mnist/report.html",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="run | report | describe | frontier"
    )
    one = _command(
        commands,
        "run",
        "one JSON object per image",
        "python -m sim run build/mnist --images digits.npy",
    )
    one.add_argument(
        "--images", type=Path, required=True, metavar="FILE.npy", help="uint8 (n, height, width)"
    )
    one.add_argument(
        "--labels", type=Path, metavar="FILE.npy", help="integers (n,); adds `label` to each object"
    )
    one.add_argument(
        "--trace", type=Path, metavar="FILE.safetensors", help="also write every spike"
    )
    report = _command(
        commands,
        "report",
        "figures over a test set",
        "python -m sim report build/mnist --json r.json",
    )
    report.add_argument(
        "--dataset", default="mnist", metavar="NAME", help=f"{', '.join(dataset.CLASSES)} (mnist)"
    )
    report.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set's IDX files"
    )
    report.add_argument("--limit", type=int, metavar="N", help="only the first N test images")
    report.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures as JSON; - for standard output"
    )
    report.add_argument("--html", type=Path, metavar="FILE", help="write a self-contained page")
    what = _command(
        commands, "describe", "sizes, widths, memory", "python -m sim describe build/mnist --json"
    )
    what.add_argument("--json", action="store_true", help="print JSON")
    text, example = (
        "accuracy against cost over a sweep's networks",
        f"example: {frontier_command.EXAMPLE}",
    )
    frontier_command.add_arguments(
        commands.add_parser("frontier", help=text, description=text, epilog=example)
    )
    return parser


def _command(commands: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, epilog=f"example: {example}")
    parser.add_argument(
        "network", type=Path, metavar="DIR", help="folder of network.safetensors, or the file"
    )
    return parser


def _run(arguments: argparse.Namespace) -> int:
    network = load(arguments.network)
    images = _array(arguments.images)
    labels = None if arguments.labels is None else _array(arguments.labels)
    if labels is not None:
        check_labels(labels, len(images), len(network.classes))
    decisions = _decide(network, images)
    for index in range(len(images)):
        extra = {} if labels is None else {"label": int(labels[index])}
        print(json.dumps(decisions.to_json(index) | extra))
    if arguments.trace is not None:
        save_vectors(arguments.trace, network, images, [run(network, image) for image in images])
    return 0


def _report(arguments: argparse.Namespace) -> int:
    if arguments.limit is not None and arguments.limit < 1:
        raise InputError(f"--limit: must be at least 1, not {arguments.limit}.")
    network = load(arguments.network)
    data = dataset.load(arguments.dataset, arguments.data)
    images, labels = data.test_images[: arguments.limit], data.test_labels[: arguments.limit]
    report = Report(network, images, labels, _decide(network, images))
    text = json.dumps(report.to_json(), indent=2) + "\n"
    if arguments.json == Path("-"):
        print(text, end="")
    else:
        Console().print(report.table())
    if arguments.json not in (None, Path("-")):
        _write(arguments.json, text)
    if arguments.html is not None:
        _write(arguments.html, page(report))
        Console(stderr=True).print(f"report: {arguments.html}")
    return 0


def _describe(arguments: argparse.Namespace) -> int:
    network = load(arguments.network)
    if arguments.json:
        print(json.dumps(describe(network), indent=2))
    else:
        Console().print(table(network))
    return 0


def _decide(network: Network, images: npt.NDArray[Any]) -> batch.Decisions:
    with progress_bar() as bar:
        task = bar.add_task("integer machine", total=len(images))
        return batch.run(network, images, lambda count: bar.advance(task, count))


def _array(path: Path) -> npt.NDArray[Any]:
    """Read one NumPy array; never a pickle."""
    try:
        array: Any = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{path}: is not a NumPy .npy file ({error}); write it with numpy.save."
        ) from error
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path}: holds several arrays; give one, written with numpy.save.")
    return cast(npt.NDArray[Any], array)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as beside:
        beside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_command(main)
