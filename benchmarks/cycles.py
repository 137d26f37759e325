"""Cycles per image and per event for several numbers of lanes, from the compiled gateware.

example: python benchmarks/cycles.py build/mnist --dataset mnist --limit 1000
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from hw.bench.engine import Stimulus
from hw.bench.trace import input_events, traces
from hw.bench.verilated import VerilatedEngine
from hw.machine.pipeline import Pipeline
from hw.parameters import FULL, MachineParameters
from sim.connections.dense import Dense
from sim.console import run_command
from sim.data import dataset
from sim.encoders.intensity import Intensity
from sim.file import load
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

SEED = 11


def random_machine() -> Network:
    """Return a random network of the shape of the trained one, 784-600-10, binary code."""
    rng = np.random.default_rng(SEED)
    spike_tick = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
    encoder = Intensity((28, 28), 1, np.arange(784, dtype=np.int32), spike_tick)
    first = rng.normal(2, 25, (784, 600)).round().clip(-128, 127).astype(np.int8)
    second = rng.normal(3, 40, (600, 10)).round().clip(-128, 127).astype(np.int8)
    return Network(
        encoder,
        (Layer(Dense(first), Neuron(300)), Layer(Dense(second), Neuron(250))),
        FirstSpike(),
        4,
        24,
        tuple("0123456789"),
    )


def random_ink(count: int) -> npt.NDArray[np.uint8]:
    """Return images with as much ink as MNIST's: 13.4 % bright pixels."""
    rng = np.random.default_rng(SEED)
    return np.where(rng.random((count, 28, 28)) < 0.134, 255, 0).astype(np.uint8)


def measure(network: Network, images: npt.NDArray[np.uint8], lanes: int | str) -> dict[str, Any]:
    """Run images through the compiled gateware; return means per image."""
    parameters = MachineParameters(network, lanes)
    run = VerilatedEngine(Pipeline(parameters)).run(Stimulus(input_events(network, images)))
    found = [trace for trace in traces(parameters, run) if trace.trace is not None]

    events = float(np.mean([sum(trace.events) for trace in found]))
    ticks = float(np.mean([trace.trace.tick for trace in found if trace.trace is not None]))
    cycles = float(np.mean([trace.cycles for trace in found]))

    return {
        "lanes": [layer.lanes for layer in parameters.layers],
        "folds": [layer.folds for layer in parameters.layers],
        "events_per_image": events,
        "ticks_per_image": ticks,
        "cycles_per_image": cycles,
        "cycles_per_image_back_to_back": run.cycles / len(found),
        "cycles_per_event": cycles / events,
        "bound": 1.25 * events + 2 * ticks + 10,
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print a row for each number of lanes."""
    names = ("lanes", "folds", "cycles per image", "back to back", "cycles per event")
    table = Table(*names, "1.25 events + 2 ticks + 10")
    for row in rows:
        lanes, folds = ("-".join(map(str, row[name])) for name in ("lanes", "folds"))
        figures = ("cycles_per_image", "cycles_per_image_back_to_back", "cycles_per_event", "bound")
        table.add_row(lanes, folds, *(f"{row[name]:.1f}" for name in figures))
    Console().print(table)

    events, ticks = rows[0]["events_per_image"], rows[0]["ticks_per_image"]
    print(f"{events:.1f} events and {ticks:.1f} ticks per image")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "network", type=Path, nargs="?", metavar="DIR", help="network (random 784-600-10)"
    )
    parser.add_argument(
        "--dataset", metavar="NAME", help="test images (random ones with MNIST's ink)"
    )
    parser.add_argument("--limit", type=int, default=500, metavar="N", help="images (500)")
    parser.add_argument(
        "--lanes", nargs="+", default=["16", "64", FULL], metavar="N", help="(16 64 full)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    network = random_machine() if arguments.network is None else load(arguments.network)
    images = (
        dataset.load(arguments.dataset).test_images
        if arguments.dataset
        else random_ink(arguments.limit)
    )
    lanes = [int(lane) if lane.isdecimal() else lane for lane in arguments.lanes]
    rows = [measure(network, images[: arguments.limit], lane) for lane in lanes]

    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows)
    return 0


if __name__ == "__main__":
    run_command(main)
