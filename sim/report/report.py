"""How few weights a network looks up, and how often it is right: the figures of ``sim report``."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import RenderableType
from rich.table import Table

from sim.batch import Decisions
from sim.errors import InputError, check_labels
from sim.network import Network


@dataclass(frozen=True)
class Prototype:
    """The FPGA prototype that this project reproduces: 784-600-10 on MNIST, 8-bit weights.

    :param accuracy: 0..1.
    :param spikes: per decision.
    :param lookup_fraction: share of each layer's weights that an image looks up.
    """

    accuracy: float = 0.97
    spikes: float = 139
    lookup_fraction: tuple[float, float] = (0.13, 0.05)

    @property
    def reads(self) -> float:
        """Weights looked up per image: the product of rounded shares, so 59.1k to 63.8k."""
        return self.lookup_fraction[0] * 784 * 600 + self.lookup_fraction[1] * 600 * 10


PROTOTYPE = Prototype()


def interval_95(right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the 95 % interval of the share of right decisions (Wilson 1927, eq. for a binomial
    proportion).

    :param right: bool (n,), of one image or more.
    """
    n, p, z = len(right), float(right.mean()), 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - half, centre + half


@dataclass(frozen=True)
class Report:
    """A network's decisions on labelled images.

    :param network: that decided.
    :param images: uint8 (n, height, width), or an :class:`~sim.encoders.events.EventList`.
    :param labels: integers (n,) below the number of classes.
    :param decisions: on the images, of :func:`sim.batch.run`.
    :raises InputError: no images, or labels that do not fit them.
    """

    network: Network
    images: Any
    labels: npt.NDArray[Any]
    decisions: Decisions

    def __post_init__(self) -> None:
        check_labels(self.labels, len(self.images), len(self.network.classes))
        if len(self.images) == 0:
            raise InputError("images: there are none to report on; give at least one.")

    @cached_property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each decision is its label, bool (n,)."""
        return self.decisions.decision == self.labels

    @cached_property
    def accuracy(self) -> float:
        """Fraction of right decisions; a decision after a timeout counts as it stands."""
        return float(self.right.mean())

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, see :func:`interval_95`."""
        return interval_95(self.right)

    @cached_property
    def reads(self) -> npt.NDArray[np.int64]:
        """Weights looked up per image, int64 (n,), summed over the layers."""
        return self.decisions.reads.sum(axis=1)

    @cached_property
    def spikes(self) -> npt.NDArray[np.int64]:
        """Spikes per image, int64 (n,): events delivered, and the output's own if one fired."""
        events = self.decisions.events.sum(axis=1, dtype=np.int64)
        return events + (~self.decisions.timed_out if self.network.early else 0)

    @cached_property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Number of images by label (row) and decision (column), int64 (classes, classes)."""
        counts = np.zeros((len(self.network.classes),) * 2, np.int64)
        np.add.at(counts, (self.labels, self.decisions.decision), 1)
        return counts

    @cached_property
    def pixel_reads(self) -> npt.NDArray[np.float64]:
        """Fraction of images in which each input's row was looked up before the decision, float64
        (inputs,).
        """
        given = self.network.encoder.spike_list(self.images)
        to_the_end = self.decisions.timed_out | (not self.network.early)
        end = np.where(to_the_end, self.network.last_tick + 1, self.decisions.tick)

        # an input that spikes often is counted once per sample
        sample = np.repeat(np.arange(len(self.images)), np.diff(given.start))
        read = given.tick < end[sample]
        inputs = self.network.encoder.inputs
        once = np.unique(sample[read] * inputs + given.input[read]) % inputs
        return np.bincount(once, minlength=inputs) / len(self.images)

    def layers(self) -> list[dict[str, float]]:
        """Return, per layer, what its events cost; the fraction is that of all its synapses."""
        events = self.decisions.events.mean(axis=0, dtype=np.float64).tolist()
        reads = self.decisions.reads.mean(axis=0, dtype=np.float64).tolist()
        return [
            {
                "fan_in": layer.fan_in,
                "fan_out": layer.fan_out,
                "weights": layer.stored,
                "synapses": synapses,
                "events_per_image": delivered,
                "positions_per_image": looked_up / layer.connection.channels_out,
                "lookup_fraction": looked_up / synapses,
                "weight_reads_per_image": looked_up,
            }
            for layer, synapses, delivered, looked_up in zip(
                self.network.layers, self.network.synapse_counts, events, reads, strict=True
            )
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their stable names; accuracy and fractions in 0..1."""
        return {
            "images": len(self.images),
            "accuracy": self.accuracy,
            "accuracy_interval_95": list(self.interval),
            "timeouts": int(self.decisions.timed_out.sum()),
            "decision_tick_mean": float(self.decisions.tick.mean()),
            "spikes_per_image": float(self.spikes.mean()),
            "weight_reads_per_image": float(self.reads.mean()),
            "weight_read_fraction": float(self.reads.mean()) / sum(self.network.synapse_counts),
            "layers": self.layers(),
            "digest": f"{self.network.digest:08x}",
        }

    def table(self) -> RenderableType:
        """Return the table for a terminal, with the prototype's figures where they are known."""
        sizes = "-".join(
            str(n) for n in (self.network.encoder.inputs, *(y.fan_out for y in self.network.layers))
        )
        title = f"{sizes}, {len(self.images)} images, network {self.network.digest:08x}"
        table = Table(title=title)
        table.add_column("")
        table.add_column("this network", justify="right")
        table.add_column("prototype", justify="right")
        for row in self.rows():
            table.add_row(*row)
        return table

    def rows(self) -> list[tuple[str, str, str]]:
        """Return (what, this network, the prototype) as text."""
        low, high = self.interval
        reads, timeouts = float(self.reads.mean()), int(self.decisions.timed_out.sum())
        images, network = len(self.images), self.network

        return [
            (
                "accuracy",
                f"{self.accuracy:.2%}  ({low:.1%} .. {high:.1%})",
                f"{PROTOTYPE.accuracy:.0%}",
            ),
            ("spikes per decision", f"{self.spikes.mean():.1f}", f"{PROTOTYPE.spikes:.0f}"),
            *self._layer_rows(),
            (
                "weight reads per image",
                f"{reads:,.0f}  ({reads / sum(network.synapse_counts):.2%})",
                f"{PROTOTYPE.reads:,.0f}",
            ),
            (
                "tick of decision, mean",
                f"{self.decisions.tick.mean():.2f} of {network.last_tick}",
                "",
            ),
            ("weights stored", f"{network.weight_count:,}", ""),
            ("timeouts", f"{timeouts}  ({timeouts / images:.2%})", ""),
        ]

    def _layer_rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield a row per layer; the prototype's figures are known for its two layers."""
        known = [f"{fraction:.0%}" for fraction in PROTOTYPE.lookup_fraction]
        for index, layer in enumerate(self.layers()):
            name = f"weights looked up, layer {index}"
            prototype = known[index] if index < len(known) else ""
            yield name, f"{layer['lookup_fraction']:.2%}", prototype
