"""From a trained network to files for the machine, checked on the way: both must decide alike on
every test image.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from sim import batch, pipeline
from sim.errors import InputError
from sim.file import NETWORK_FILE, save
from sim.network import Network
from sim.neuron import Spike
from sim.vectors import VECTORS_FILE, save_vectors
from train.data import Part, Split
from train.evaluate import EVALUATION_BATCH, Decider
from train.pipeline import Outcome
from train.prune import without_dead_neurons

VECTORS = 16
"""Images in the vectors file: the first of the test set."""


class Exportable(Decider, Protocol):
    """A trained network of any kind that has an integer form."""

    def to_network(self, classes: Sequence[str], provenance: Mapping[str, Any]) -> Network:
        """Return the integer network for :mod:`sim` and :mod:`hw`."""
        ...

    def spikes(self, image: Tensor) -> Sequence[Sequence[Spike]]:
        """Return the spikes delivered to each layer for an image uint8 (height, width), by tick,
        then by neuron.
        """
        ...


class ExportSettings(Protocol):
    """What an export asks of the settings of any kind."""

    @property
    def seed(self) -> int:
        """The seed of training."""
        ...

    def layer_bits(self) -> tuple[int, ...] | None:
        """Return the weight bits of every layer, or None for real weights."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        ...


def export(
    trained: Exportable, split: Split, settings: ExportSettings, folder: Path
) -> dict[str, Any]:
    """Write the integer network and its vectors to ``folder``; return the figures as JSON objects.

    :raises InputError: real weights, a network and its machine that differ on a test image, or a
        full disk.
    """
    if settings.layer_bits() is None:
        raise InputError(
            "--bits: a network of real weights has no integer form; train with --bits 8."
        )

    images = split.test.images.numpy()
    figures: dict[str, Any] = {"dataset": split.name, "seed": settings.seed}
    whole, expected = trained.to_network(split.classes, {}), decide_all(trained, split.test)
    found = batch.run(whole, images)
    check(expected, found)
    check_spikes(trained, split.test.images[:VECTORS], whole)

    # a network without dead neurons has fewer spikes; it must decide alike
    network, removed = without_dead_neurons(whole)
    if any(removed):
        found = batch.run(network, images)
        check_decisions(expected, found)

    # the provenance names the accuracy, so the network is made again with it; it decides alike
    figures["accuracy"] = float((found.decision == split.test.labels.numpy()).mean())
    provenance = {**figures, "version": _version(), "settings": settings.to_json()}
    network, _ = without_dead_neurons(trained.to_network(split.classes, provenance))

    few = images[:VECTORS]
    traces = [pipeline.run(network, image) for image in few]
    folder.mkdir(parents=True, exist_ok=True)
    save(network, folder / NETWORK_FILE)
    save_vectors(folder / VECTORS_FILE, network, few, traces)

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


def decide_all(network: Decider, part: Part) -> Outcome:
    """Run all images of a part."""
    parts = [network.decide(images) for images in part.images.split(EVALUATION_BATCH)]
    joined: dict[str, Any] = {
        name: None if value is None else torch.cat([getattr(one, name) for one in parts])
        for name, value in vars(parts[0]).items()
    }
    return Outcome(**joined)


def check(expected: Outcome, found: batch.Decisions) -> None:
    """Compare the trained network's decisions with the machine's, and all that it counts.

    :raises InputError: they differ; the message names the first image, and both decisions or
        counts.
    """
    check_decisions(expected, found)
    for name in ("events", "reads", "potential"):
        trained, machine = getattr(expected, name), getattr(found, name)
        if trained is None:
            continue
        differs = (trained.numpy() != machine).any(axis=1)
        for index in np.flatnonzero(differs)[:1]:
            problem = f"image {index}: training has {name} {trained[index].tolist()}"
            raise InputError(
                f"{problem}, the integer machine {machine[index].tolist()}; "
                "nothing was written, please report this."
            )


def check_decisions(expected: Outcome, found: batch.Decisions) -> None:
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


def check_spikes(trained: Exportable, images: Tensor, network: Network) -> None:
    """Compare every spike of the trained network with those of the slow machine.

    :raises InputError: they differ; the message names the first image and layer that do.
    """
    for index, image in enumerate(images):
        trace = pipeline.run(network, image.numpy())
        pairs = zip(trained.spikes(image), trace.spikes, strict=True)
        for layer, (expected, found) in enumerate(pairs):
            if list(expected) != list(found):
                raise InputError(
                    f"image {index}: the spikes that layer {layer} gets are others in the integer "
                    "machine than in training; nothing was written, please report this."
                )
