"""From a trained network to files for the machine, checked on the way: both must decide alike on
every test image.
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sim import batch, pipeline
from sim.errors import InputError
from sim.file import NETWORK_FILE, save
from sim.network import Network
from sim.vectors import VECTORS_FILE, save_vectors
from train.data import Part, Split
from train.evaluate import EVALUATION_BATCH
from train.pipeline import Outcome, SpikingNetwork
from train.prune import without_dead_neurons
from train.settings import TrainSettings

VECTORS = 16
"""Images in the vectors file: the first of the test set."""


def export(
    trained: SpikingNetwork, split: Split, settings: TrainSettings, folder: Path
) -> dict[str, Any]:
    """Write the integer network and its vectors to ``folder``; return the figures as JSON objects.

    :raises InputError: real weights, a network and its machine that differ on a test image, or a
        full disk.
    """
    if settings.layer_bits() is None:
        raise InputError(
            "--bits: a network of real weights has no integer form; train with --bits 8."
        )

    # dead neurons go first, so what is compared with the trained network is what is written
    images = split.test.images.numpy()
    figures: dict[str, Any] = {"dataset": split.name, "seed": settings.seed}
    network, removed = without_dead_neurons(trained.to_network(split.classes, {}))
    found = batch.run(network, images)
    check(decide_all(trained, split.test), found)

    # the provenance names the accuracy, so the network is made again with it; it decides alike
    figures["accuracy"] = float((found.decision == split.test.labels.numpy()).mean())
    provenance = {**figures, "version": _version(), "settings": settings.to_json()}
    network, _ = without_dead_neurons(trained.to_network(split.classes, provenance))

    folder.mkdir(parents=True, exist_ok=True)
    save(network, folder / NETWORK_FILE)
    few = images[:VECTORS]
    save_vectors(
        folder / VECTORS_FILE, network, few, [pipeline.run(network, image) for image in few]
    )

    return figures | describe(network, found) | {"dead_neurons_removed": removed}


def _version() -> str:
    """Return the version of this package, or that it runs from a checkout that is not installed."""
    try:
        return version("firstspike")
    except PackageNotFoundError:
        return "checkout"


def describe(network: Network, found: batch.Decisions) -> dict[str, Any]:
    """Return sizes and look-ups per image as JSON objects."""
    events, reads = found.events.mean(axis=0), found.reads.mean(axis=0)
    return {
        "sizes": [network.encoder.inputs, *(layer.fan_out for layer in network.layers)],
        "spikes_per_image": float(events.sum() + (~found.timed_out).mean()),
        "lookup_fraction": (reads / network.synapse_counts).tolist(),
        "weight_reads_per_image": float(reads.sum()),
        "decision_tick_mean": float(found.tick.mean()),
        "timeouts": int(found.timed_out.sum()),
        "weight_memory_bits": sum(
            layer.weight.size * layer.weight_bits for layer in network.layers
        ),
        "digest": f"{network.digest:08x}",
    }


def decide_all(network: SpikingNetwork, part: Part) -> Outcome:
    """Run all images of a part."""
    parts = [network.decide(images) for images in part.images.split(EVALUATION_BATCH)]
    return Outcome(
        *(torch.cat(field) for field in zip(*(vars(one).values() for one in parts), strict=True))
    )


def check(expected: Outcome, found: batch.Decisions) -> None:
    """Compare the trained network's decisions with the machine's.

    :raises InputError: they differ; the message names the first image, both decisions and their
        ticks.
    """
    same = (expected.decision.numpy() == found.decision) & (expected.tick.numpy() == found.tick)
    same &= expected.timed_out.numpy() == found.timed_out
    for index in np.flatnonzero(~same)[:1]:
        trained = f"{expected.decision[index]} at tick {expected.tick[index]}"
        machine = f"{found.decision[index]} at tick {found.tick[index]}"
        problem = f"image {index}: training decides {trained}, the integer machine {machine}"
        raise InputError(f"{problem}; nothing was written, please report this.")
