"""Minutes to 97 % on MNIST's validation images: exact TTFS training and snnTorch's temporal loss,
in one run.

Both train 784-600-10 on the same binary images with the same threads, and are measured on the same
5,000 validation images, ours after each epoch, snnTorch more often. snnTorch: leaky neurons over 25
time steps, `ce_temporal_loss`, Adam, as its documentation trains it. It is stopped at ``--cap``
minutes, and the line says so.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import snntorch
import torch
from snntorch import functional

from train.data import Split, batches, load
from train.fit import Training
from train.settings import TrainSettings

STEPS = 25
BATCH = 128
CHECK_EVERY = 100
"""Batches between two validations of snnTorch; ours is validated once an epoch."""

RECIPE = TrainSettings(epochs=8, warp=0.3)


class LeakyNetwork(torch.nn.Module):
    """784-600-10 leaky integrate-and-fire neurons over 25 steps of a constant input."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.nn.Linear(784, 600)
        self.output = torch.nn.Linear(600, 10)
        self.hidden_neurons = snntorch.Leaky(beta=0.95)
        self.output_neurons = snntorch.Leaky(beta=0.95)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Record output spikes (steps, n, 10)."""
        hidden, output = self.hidden_neurons.reset_mem(), self.output_neurons.reset_mem()
        spikes: list[torch.Tensor] = []
        current = self.hidden(image)
        for _ in range(STEPS):
            fired, hidden = self.hidden_neurons(current, hidden)
            fired, output = self.output_neurons(self.output(fired), output)
            spikes.append(fired)
        return torch.stack(spikes)


def train_leaky(split: Split, seed: int) -> Iterator[float]:
    """Train for ever; yield the validation accuracy now and then."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = LeakyNetwork()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4, betas=(0.9, 0.999))
    loss = functional.ce_temporal_loss()
    step = 0
    while True:
        for chosen in batches(len(split.train), BATCH, generator):
            spikes = network(binary(split.train.images[chosen]))
            optimizer.zero_grad()
            loss(spikes, split.train.labels[chosen]).backward()
            optimizer.step()
            step += 1
            if step % CHECK_EVERY == 0:
                yield leaky_accuracy(network, split)


@torch.no_grad()
def leaky_accuracy(network: LeakyNetwork, split: Split) -> float:
    spikes = network(binary(split.validation.images))
    return float(functional.accuracy_temporal(spikes, split.validation.labels))


def binary(images: torch.Tensor) -> torch.Tensor:
    return (images.flatten(1) > RECIPE.bright[0]).float()


def train_exact(split: Split, seed: int) -> Iterator[float]:
    """Train one schedule after the other; yield the validation accuracy after each epoch."""
    while True:
        training = Training(split, replace(RECIPE, seed=seed))
        while training.epoch < RECIPE.epochs:
            yield training.run_epoch()["accuracy"]
        seed += 1


def minutes_to(goal: float, accuracies: Iterator[float], cap: float) -> dict[str, Any]:
    """Return the minutes until an accuracy reaches the goal, and the best accuracy; ``reached`` is
    false at the cap.
    """
    start, best = time.perf_counter(), 0.0
    for accuracy in accuracies:
        minutes = (time.perf_counter() - start) / 60
        best = max(best, accuracy)
        if best >= goal or minutes > cap:
            return {"minutes": minutes, "best": best, "reached": best >= goal}
    raise AssertionError("training ended before its cap")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python benchmarks/training.py --cap 3"
    )
    parser.add_argument(
        "--goal", type=float, default=0.97, help="validation accuracy to reach (0.97)"
    )
    parser.add_argument(
        "--cap", type=float, default=5.0, help="minutes after which a training is stopped (5)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of both (1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    split = load("mnist")
    runs = {"exact TTFS": train_exact, "snnTorch": train_leaky}
    found = {
        name: minutes_to(arguments.goal, run(split, arguments.seed), arguments.cap)
        for name, run in runs.items()
    }
    leaky, exact = found["snnTorch"], found["exact TTFS"]
    ratio = leaky["minutes"] / exact["minutes"] if exact["reached"] else None
    threads = torch.get_num_threads()

    if arguments.json:
        rows = {**found, "ratio": ratio, "cap": arguments.cap, "threads": threads}
        print(json.dumps(rows, indent=2))
        return

    goal = f"{arguments.goal:.0%} of MNIST's validation images"
    print(f"minutes to {goal}, 784-600-10, {threads} threads")
    for name, one in found.items():
        end = "" if one["reached"] else f"  stopped at the cap, best {one['best']:.2%}"
        print(f"  {name:12} {one['minutes']:6.2f}{end}")
    if ratio is not None:
        print(f"  ratio        {'' if leaky['reached'] else 'over '}{ratio:.1f}")


if __name__ == "__main__":
    main()
