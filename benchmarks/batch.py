"""Images per second: the integer machine and snnTorch's LIF network of the same size, in one run.

Both run 784-600-10 over the same images (13 % ink, as MNIST's) on the same cores. snnTorch
integrates 25 time steps per image, its customary number; the integer machine stops at the first
output spike.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from training import STEPS, LeakyNetwork

from sim.batch import run
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

BATCH = 500
ROUNDS = 5


def random_network(rng: np.random.Generator) -> Network:
    """Return a 784-600-10 network whose hidden neurons fire about as often as a trained one's."""
    code = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
    encoder = Intensity((28, 28), 1, np.arange(784, dtype=np.int32), code)
    hidden = Layer(Dense(rng.integers(-24, 22, (784, 600)).astype(np.int8)), Neuron(100))
    output = Layer(Dense(rng.integers(-40, 60, (600, 10)).astype(np.int8)), Neuron(100))
    return Network(encoder, (hidden, output), FirstSpike(), 4, 24, tuple("0123456789"))


def rate(work: Callable[[], object], images: int) -> float:
    """Images per second of one call."""
    start = time.perf_counter()
    work()
    return images / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a sentence")
    arguments = parser.parse_args()

    rng = np.random.default_rng(1)
    images = (255 * (rng.random((10_000, 28, 28)) < 0.134)).astype(np.uint8)
    network, leaky = random_network(rng), LeakyNetwork()
    batches = (torch.from_numpy(images.reshape(-1, 784)[:2000]).float() / 255).split(BATCH)

    def classify() -> None:
        with torch.inference_mode():
            for batch in batches:
                leaky(batch).sum(dim=0)

    # the first call of each compiles or allocates; then in turns, so that both meet the same noise
    run(network, images[:2000])
    classify()
    pairs = [
        (rate(lambda: run(network, images), len(images)), rate(classify, 2000))
        for _ in range(ROUNDS)
    ]
    machine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)

    if arguments.json:
        print(json.dumps({"sim.batch": machine, "snntorch": other, "ratio": ratio}))
    else:
        print(
            f"sim.batch {machine:,.0f} images/s, "
            f"snnTorch LIF ({STEPS} steps) {other:,.0f} images/s: {ratio:.0f} times"
        )


if __name__ == "__main__":
    main()
