"""How much slower training gets beside busy processes, which this benchmark starts itself.

Steps of the default recipes are timed alone and beside the others, in turns, in this process. Four
busy processes and one thread of training on two cores get two fifths of a core each: no scheduler
that is fair gives training more, which makes a ratio of 2.5 the least.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from train.data import Split, load  # before torch, for the way in which its threads wait

import torch  # isort: skip

from train.data import batches
from train.fit import Training
from train.settings import TrainSettings
from train.window.fit import WindowTraining
from train.window.settings import WINDOW_PRESETS

UNCOUNTED = 3
"""Steps before the clock starts."""

STARTED_SECONDS = 1.0
"""Time for busy processes to start."""

Steps = Callable[[int], None]


@contextmanager
def busy(count: int) -> Generator[None]:
    """Keep ``count`` processes busy."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(count)]
    try:
        time.sleep(STARTED_SECONDS)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def first_spike(split: Split) -> Steps:
    """Return what trains steps of 784-600-10."""
    training = Training(split, TrainSettings())
    grids = training._warps()
    order = shuffled(split, training.settings.batch)
    return lambda index: void(training._step(order[index], grids, 0.0, index))


def window(split: Split) -> Steps:
    """Return what trains steps of convolutions of the window code."""
    training = WindowTraining(split, WINDOW_PRESETS["convolution"])
    training.network.train()
    grids = training._warps()
    order = shuffled(split, training.settings.batch)
    return lambda index: void(training._step(order[index], grids, 0.0, 1.0))


def shuffled(split: Split, batch: int) -> list[torch.Tensor]:
    """Return the batches of an epoch."""
    return list(batches(len(split.train), batch, torch.Generator().manual_seed(1)))


def void(value: object) -> None:
    """Ignore a value."""


def seconds(work: Steps, steps: int) -> float:
    """Return the seconds of a step."""
    start = time.perf_counter()
    for index in range(steps):
        work(index)
    return (time.perf_counter() - start) / steps


def compare(work: Steps, steps: int, rounds: int, others: int) -> dict[str, Any]:
    """Return milliseconds of a step alone and beside busy processes, medians, and their ratio."""
    seconds(work, UNCOUNTED)
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(1000 * seconds(work, steps))
        with busy(others):
            beside.append(1000 * seconds(work, steps))
    quiet, loaded = statistics.median(alone), statistics.median(beside)
    return {"alone_ms": quiet, "beside_ms": loaded, "ratio": loaded / quiet}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python benchmarks/busy.py --processes 4"
    )
    parser.add_argument("--processes", type=int, default=4, help="busy ones (4)")
    parser.add_argument("--steps", type=int, default=20, help="in a round (20)")
    parser.add_argument("--rounds", type=int, default=3, help="alone, and beside (3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    split = load("mnist")
    found = {
        name: compare(start(split), arguments.steps, arguments.rounds, arguments.processes)
        for name, start in {"784-600-10": first_spike, "convolution": window}.items()
    }
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"a step of training, {torch.get_num_threads()} threads, {arguments.processes} others busy"
    )
    for name, row in found.items():
        times = f"{row['alone_ms']:.1f} ms alone, {row['beside_ms']:.1f} ms beside them"
        print(f"  {name:12} {times}: {row['ratio']:.1f} times")


if __name__ == "__main__":
    main()
