"""What learning in place costs in gateware: cycles per learnt image, and of its inference alone, at
several stages of a run.

Each image is decided first and then learnt, by the same circuit with the same weights; every weight
is compared with sim's at the end. A network of random weights, 784-600-10, on MNIST.

example: python benchmarks/learning.py --lanes 60 600
"""

import argparse
import json
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from hw.bench.lessons import Course, Lessons
from hw.parameters import MachineParameters
from sim.console import run_command
from sim.data import dataset
from sim.errors import InputError
from sim.learning.schedule import default_rule, first_state
from sim.learning.supervised import Rule
from sim.learning.supervised_batch import Learner
from train.learning.random_network import random_network

SEED, EPOCHS = 1, 20
FIRST_SKIP, LAST_SKIP = 0, 230
TRAINED = 55_000
"""Images of an epoch."""


def skipped(learnt: Any) -> Any:
    """Return ``skip`` of :mod:`sim.learning.supervised` once ``learnt`` images were learnt."""
    return FIRST_SKIP + (LAST_SKIP - FIRST_SKIP) * learnt // (TRAINED * EPOCHS)


def measure(
    data: dataset.Dataset, learner: Learner, rule: Rule, lanes: int, learnt: int, count: int
) -> dict[str, Any]:
    """Decide and learn ``count`` images, of which the first is number ``learnt`` of the run."""
    used = np.arange(learnt, learnt + count) % TRAINED
    images = data.train_images[used].repeat(2, 0)

    # every image twice: first without a label, which is inference
    labels = data.train_labels[used].astype(np.int64).repeat(2)
    labels[::2] = -1
    skip = np.full(2 * count, skipped(learnt))

    found = Lessons(MachineParameters(learner.network, lanes, rule)).run(
        Course(images, labels, skip, learner.state)
    )
    lessons = learner.learn(images[1::2], labels[1::2], skip[1::2])

    if found.state != learner.state or found.network.digest != learner.network.digest:
        raise InputError("learning: gateware and sim differ; report this as a bug.")

    inference, learning = found.cycles[::2].mean(), found.cycles[1::2].mean()
    updated = lessons.updated.mean()

    return {
        "learnt_before": learnt,
        "lanes": lanes,
        "updated": float(updated),
        "rows_per_update": float(lessons.rows.sum() / max(1, lessons.updated.sum())),
        "weights_per_update": float(lessons.changed.sum() / max(1, lessons.updated.sum())),
        "inference_cycles": float(inference),
        "learning_cycles": float(learning),
        "ratio": float(learning / inference),
        "cycles_per_update": float(found.cycles[1::2][lessons.updated].mean()),
    }


def catch_up(data: dataset.Dataset, learner: Learner, first: int, last: int) -> None:
    """Let sim learn the images of the run from number ``first`` to ``last``."""
    for begin in range(first, last, TRAINED):
        numbers = np.arange(begin, min(begin + TRAINED, last))
        used, skip = numbers % TRAINED, skipped(numbers)
        learner.learn(data.train_images[used], data.train_labels[used], skip)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--lanes", type=int, nargs="+", default=[60], metavar="N", help="of the hidden layer (60)"
    )
    parser.add_argument("--hidden", type=int, default=600, metavar="N", help="neurons (600)")
    parser.add_argument(
        "--stages",
        type=int,
        nargs="+",
        default=[0, 5000, 275_000],
        metavar="N",
        help="learnt before (0 5000 275000)",
    )
    parser.add_argument(
        "--limit", type=int, default=1000, metavar="N", help="images measured at each stage (1000)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    data = dataset.load("mnist")
    network = random_network(data, arguments.hidden, SEED)
    rule, rows = default_rule(network), list[dict[str, Any]]()
    for lanes in arguments.lanes:
        learner, learnt = Learner(network, rule, first_state(SEED)), 0
        for stage in arguments.stages:
            catch_up(data, learner, learnt, stage)
            rows.append(measure(data, learner, rule, lanes, stage, arguments.limit))
            learnt = stage + arguments.limit

    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0

    table = Table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(
            *(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values())
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    run_command(main)
