"""``python -m train learn``: arguments, files and figures of a run of
:mod:`train.learning.in_place`.
"""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from sim.console import progress_bar
from sim.data import dataset
from sim.file import NETWORK_FILE, load, save
from sim.files import atomic_path
from sim.learning.schedule import default_rule
from sim.pipeline import run as run_image
from sim.trace import VECTORS_FILE, save_vectors
from train.learning.in_place import LearnSettings, Point, State, run
from train.learning.random_network import random_network

EXAMPLE = "python -m train learn --dataset mnist --hidden 600 --shift 1 --out build/learned"

SCRATCH_THIN, ADAPT_THIN = (0, 230), (192, 243)
"""``thin`` from random weights, and from a trained network, which large steps would first unlearn.
"""

CHECKPOINT_FILE = "learning.checkpoint"

VECTORS = 16
"""Test images whose traces are written beside the network."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``train learn``."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="network, vectors, checkpoint, curve"
    )
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="DIR", help="adapt this network (else: random)"
    )
    parser.add_argument(
        "--dataset", default="mnist", metavar="NAME", help=f"{', '.join(dataset.CLASSES)} (mnist)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set's IDX files"
    )
    parser.add_argument(
        "--hidden", type=int, default=600, metavar="N", help="hidden neurons when from random (600)"
    )
    parser.add_argument(
        "--bright",
        type=int,
        nargs="+",
        default=[127],
        metavar="N",
        help="levels when from random (127)",
    )
    parser.add_argument(
        "--epochs", type=int, default=20, metavar="N", help="times each image is learnt (20)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of weights, order, shifts and draws (1)"
    )
    parser.add_argument(
        "--shift", type=int, default=0, metavar="N", help="augment: shifts of up to N pixels (0)"
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="learn only the first N training images"
    )
    parser.add_argument(
        "--turn", type=float, default=0.0, metavar="DEG", help="change: all images turned"
    )
    parser.add_argument(
        "--stuck", type=int, default=0, metavar="N", help="change: the N busiest rows stuck at 0"
    )
    parser.add_argument(
        "--margin", type=int, metavar="TICKS", help="of the rule (3/4 of ticks_per_unit)"
    )
    parser.add_argument(
        "--reach", type=int, metavar="N", help="of the rule (1/4 of the hidden threshold)"
    )
    parser.add_argument(
        "--rivals", type=int, metavar="N", help="of the rule, outputs held back at most (1)"
    )
    parser.add_argument("--noise-bits", type=int, metavar="N", help="of the rule (6)")
    parser.add_argument(
        "--thin",
        type=int,
        nargs=2,
        metavar=("A", "B"),
        help="rows left alone of 256, first and last",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write the figures here too; - for standard output",
    )


def command(arguments: argparse.Namespace) -> int:
    """Run ``train learn``: learn, then write the network, its vectors and the learning curve.

    :raises InputError: an argument, the network, the data or a checkpoint cannot be used.
    """
    data = dataset.load(arguments.dataset, arguments.data)
    scratch = arguments.source is None
    start = (
        random_network(data, arguments.hidden, arguments.seed, arguments.bright)
        if scratch
        else load(arguments.source)
    )
    first, last = arguments.thin or (SCRATCH_THIN if scratch else ADAPT_THIN)
    chosen = {
        name: getattr(arguments, name) for name in ("margin", "reach", "rivals", "noise_bits")
    }
    rule = replace(
        default_rule(start), **{name: value for name, value in chosen.items() if value is not None}
    )
    settings = LearnSettings(
        *(f"{start.digest:08x}", arguments.dataset, rule),
        *(
            arguments.epochs,
            arguments.seed,
            arguments.shift,
            arguments.turn,
            arguments.stuck,
            arguments.limit,
        ),
        skip=(first, last),
    )
    with progress_bar() as bar:
        task = bar.add_task("learning", total=settings.epochs * settings.count(data))
        state = run(
            settings,
            start,
            data,
            arguments.out / CHECKPOINT_FILE,
            lambda count: bar.advance(task, count),
        )
    figures = report(settings, state)
    text = json.dumps(figures, indent=2) + "\n"
    _write(arguments.out, settings, state, data, text)
    if arguments.json == Path("-"):
        print(text, end="")
        return 0
    if arguments.json is not None:
        with atomic_path(arguments.json) as beside:
            beside.write_text(text, encoding="utf-8")
    Console().print(table(state.curve))
    Console(stderr=True).print(f"network: {arguments.out / NETWORK_FILE}")
    return 0


def report(settings: LearnSettings, state: State) -> dict[str, Any]:
    """Return the figures of a run: its settings, the last accuracies (0..1), and the curve."""
    last = state.curve[-1]
    updated = sum(point.updated for point in state.curve)
    per_update = {
        name: sum(getattr(point, name) * point.updated for point in state.curve) / max(1, updated)
        for name in ("rows", "changed")
    }
    return {
        "settings": settings.to_json(),
        "digest": f"{state.network.digest:08x}",
        "validation": last.validation,
        "test": last.test,
        "updated": updated,
        "skipped": sum(point.skipped for point in state.curve),
        "rows_per_update": per_update["rows"],
        "weights_per_update": per_update["changed"],
        "curve": [asdict(point) for point in state.curve],
    }


def table(curve: list[Point]) -> Table:
    """Return the curve as a table for a terminal; rows written and weights changed are per update."""
    table = Table(title=f"learning in place, batch 1: {curve[-1].images_per_second:,.0f} images/s")
    for name in ("epoch", "running", "validation", "test", "updated", "rows", "weights"):
        table.add_column(name, justify="right")
    for point in curve:
        running = "" if point.running is None else f"{point.running:.2%}"
        share = point.updated / max(1, point.updated + point.skipped)
        table.add_row(
            *(
                str(point.epoch),
                running,
                f"{point.validation:.2%}",
                f"{point.test:.2%}",
                f"{share:.2%}",
            ),
            *(f"{point.rows:.1f}", f"{point.changed:,.0f}"),
        )
    return table


def figure(curve: list[Point]) -> Figure:
    """Return the learning curve: accuracies over epochs; how many images taught something, and how
    much it changed.
    """
    drawing = Figure(figsize=(7, 6), layout="constrained")
    axes, below = drawing.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    axes.plot(
        [point.epoch for point in curve], [100 * point.test for point in curve], "o-", label="test"
    )
    seen = [(point.epoch, 100 * point.running) for point in curve if point.running is not None]
    axes.plot(
        *zip(*seen, strict=True) if seen else ([], []),
        "--",
        label="training images, before each is learnt",
    )
    axes.set_ylabel("right decisions, %")
    axes.set_title(f"Learning in place: {curve[-1].test:.2%} of the test images")
    axes.grid(alpha=0.3)
    axes.legend()
    epochs = [point.epoch for point in curve[1:]]
    shares = [100 * point.updated / max(1, point.updated + point.skipped) for point in curve[1:]]
    lines = below.plot(epochs, shares, "o-", color="C2", label="updates made, % of images")
    beside = below.twinx()
    lines += beside.plot(
        epochs,
        [point.changed for point in curve[1:]],
        "s--",
        color="C3",
        label="weights per update",
    )
    below.set_xlabel("epoch")
    below.set_ylim(bottom=0)
    beside.set_ylim(bottom=0)
    below.grid(alpha=0.3)
    below.legend(handles=lines)
    return drawing


def _write(
    folder: Path, settings: LearnSettings, state: State, data: dataset.Dataset, text: str
) -> None:
    """Write the network, its vectors, the figures and their plot."""
    last = state.curve[-1]
    provenance = {
        "command": "train learn",
        "settings": settings.to_json(),
        "accuracy": {"validation": last.validation, "test": last.test},
    }
    network = replace(state.network, provenance=provenance)
    save(network, folder / NETWORK_FILE)
    images = data.test_images[:VECTORS]
    save_vectors(
        folder / VECTORS_FILE, network, images, [run_image(network, image) for image in images]
    )
    with atomic_path(folder / "learning.json") as beside:
        beside.write_text(text, encoding="utf-8")
    with atomic_path(folder / "learning.svg") as beside:
        figure(state.curve).savefig(beside, format="svg")
