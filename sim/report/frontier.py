"""Accuracy against cost: which trained networks no other one beats, and what others have reached.

Whether a network is on the front is decided by its validation accuracy, never by its test accuracy:
the front is a choice, and a choice made on the test images would flatter every figure on it. Test
figures are shown.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from sim.errors import InputError
from sim.report.frontier_file import Figures, Point
from sim.report.report import PROTOTYPE

COSTS = {
    "reads": "weight reads per image",
    "spikes": "spikes per decision",
    "memory": "weight memory, bits",
}
"""What accuracy is set against, and how it is called in a figure."""


NAMED = {"hidden", "bits", "inputs", "maps", "kernel", "stride", "window"}
"""Settings that are in a network's name."""


@dataclass(frozen=True)
class Reference:
    """A point that is not ours; what is not known is None.

    :param name: of the network, and who published it.
    :param dataset: that it was measured on.
    :param accuracy: 0..1.
    :param reads: weight reads per image.
    :param spikes: per decision.
    :param bound: the reads are those of all weights, the most that the network can read; its own
        count is not published.
    """

    name: str
    dataset: str
    accuracy: float | None
    reads: float | None = None
    spikes: float | None = None
    bound: bool = False

    def cost(self, cost: str) -> float | None:
        """Return its cost of that kind, if known."""
        return {"reads": self.reads, "spikes": self.spikes}.get(cost)


def _all_weights(*sizes: int) -> float:
    return float(sum(fan_in * fan_out for fan_in, fan_out in pairwise(sizes)))


REFERENCES = (
    Reference(
        "FPGA prototype 784-600-10", "mnist", PROTOTYPE.accuracy, PROTOTYPE.reads, PROTOTYPE.spikes
    ),
    Reference("dense 784-600-10", "mnist", None, _all_weights(784, 600, 10)),
    Reference(
        "Mostafa 2017, 784-800-10, no warps",
        "mnist",
        0.9755,
        _all_weights(784, 800, 10),
        bound=True,
    ),
    Reference("Comsa 2020, 784-340-10", "mnist", 0.9796, _all_weights(784, 340, 10), bound=True),
    Reference("Göltz 2021, 256-246-10", "mnist", 0.969, _all_weights(256, 246, 10), bound=True),
    Reference("dense 784-600-10", "fashion-mnist", None, _all_weights(784, 600, 10)),
)
"""Mostafa, IEEE TNNLS 29 (2018); Comsa et al., ICASSP 2020; Göltz et al., Nature Machine
Intelligence 3 (2021), on the BrainScaleS-2 chip: time-to-first-spike networks without convolution,
accuracies as published.
"""


@dataclass(frozen=True)
class Setting:
    """The networks that differ only in their seed.

    :param settings: of all of them, without the seed.
    :param seeds: ascending.
    :param figures: of each seed.
    """

    settings: dict[str, Any]
    seeds: tuple[int, ...]
    figures: tuple[Figures, ...]

    def mean(self, name: str) -> float:
        """Return the mean over the seeds of a field of
        :class:`sim.report.frontier_file.Figures`.
        """
        return float(sum(getattr(one, name) for one in self.figures) / len(self.figures))

    def cost(self, cost: str) -> float:
        """Return the mean cost, one of :data:`COSTS`."""
        return self.mean("memory_bits" if cost == "memory" else cost)

    @property
    def kind(self) -> str:
        """What ``--neuron`` calls its neurons."""
        return self.settings.get("neuron", "first-spike")

    @cached_property
    def name(self) -> str:
        """Sizes and weight bits, as in 784-600-10, 8 bit; 16c5/2 are 16 maps, each seen by kernels
        of 5 x 5 with a stride of 2.
        """
        inputs = [str(size) for size in sorted({one.inputs for one in self.figures})]
        maps, hidden = self.settings.get("maps", []), self.settings["hidden"]
        kernels, strides = (
            values * len(maps) if len(values) == 1 else values
            for values in (self.settings.get(key, []) for key in ("kernel", "stride"))
        )
        convolutions = [
            f"{channels}c{kernel}/{stride}"
            for channels, kernel, stride in zip(maps, kernels, strides, strict=False)
        ]

        bits = "/".join(map(str, self.settings["bits"]))
        window = f", window {self.settings['window']}" if self.kind == "window" else ""
        return f"{'-'.join([*inputs, *convolutions, *map(str, hidden)])}, {bits} bit{window}"

    def to_json(self) -> dict[str, Any]:
        """Return the setting as JSON: means over the seeds, and each network's digest."""
        means = ("validation", "accuracy", "reads", "spikes", "tick", "memory_bits", "timeouts")
        return {
            "name": self.name,
            "settings": self.settings,
            "seeds": list(self.seeds),
            **{name: self.mean(name) for name in means},
            "accuracy_min": min(one.accuracy for one in self.figures),
            "digests": [one.digest for one in self.figures],
        }


@dataclass(frozen=True)
class Frontier:
    """All settings of one data set, and which of them are on the front.

    :param dataset: its name.
    :param cost: what accuracy is set against, one of :data:`COSTS`.
    :param settings: in order of cost.
    :param front: indices of those on the front.
    """

    dataset: str
    cost: str
    settings: tuple[Setting, ...]
    front: frozenset[int]

    @property
    def references(self) -> list[Reference]:
        """What others reached on this data set."""
        return [reference for reference in REFERENCES if reference.dataset == self.dataset]

    def differences(self, setting: Setting) -> str:
        """Return what tells a setting from the others of its kind, as in ``pool 2, bright 127 63``,
        apart from what its name says.
        """
        texts: list[str] = []
        others = [other for other in self.settings if other.kind == setting.kind]
        for key, value in setting.settings.items():
            varied = len({json.dumps(other.settings.get(key)) for other in others}) > 1
            if varied and key not in NAMED:
                text = " ".join(map(str, value)) if isinstance(value, list) else str(value)  # type: ignore[arg-type]
                texts.append(f"{key.replace('_', ' ')} {text}")
        return ", ".join(texts)

    def to_json(self) -> dict[str, Any]:
        """Return the frontier as JSON."""
        return {
            "dataset": self.dataset,
            "cost": self.cost,
            "settings": [
                setting.to_json() | {"front": index in self.front}
                for index, setting in enumerate(self.settings)
            ],
            "references": [vars(reference) for reference in self.references],
        }

    def table(self, front_only: bool = False) -> Table:
        """Return the table for a terminal; ``*`` marks the front."""
        compared = f"{escape(self.dataset)}: accuracy against {COSTS[self.cost]}"
        title = f"{compared}; * is the front (by validation)"
        table = Table(title=title, box=SIMPLE, padding=0, pad_edge=False)
        table.add_column("")
        table.add_column("network", overflow="fold")
        for column in ("n", "valid.", "test", "least", "reads", "spikes", "kbit"):
            table.add_column(column, justify="right")

        for index, setting in enumerate(self.settings):
            if index in self.front or not front_only:
                cells = map(escape, self._cells(setting))
                table.add_row("*" if index in self.front else "", *cells)

        table.add_section()
        for one in self.references:
            reads = "" if one.reads is None else f"{'≤ ' if one.bound else ''}{one.reads:,.0f}"
            accuracy = "" if one.accuracy is None else f"{one.accuracy:.2%}"
            spikes = "" if one.spikes is None else f"{one.spikes:.0f}"
            table.add_row("", one.name, "", "", accuracy, "", reads, spikes, "")
        return table

    def _cells(self, setting: Setting) -> list[str]:
        least = min(one.accuracy for one in setting.figures)
        difference = self.differences(setting)
        return [
            setting.name + (f"; {difference}" if difference else ""),
            str(len(setting.figures)),
            f"{setting.mean('validation'):.2%}",
            f"{setting.mean('accuracy'):.2%}",
            f"{least:.2%}",
            f"{setting.mean('reads'):,.0f}",
            f"{setting.mean('spikes'):.1f}",
            f"{setting.mean('memory_bits') / 1024:,.0f}",
        ]


def frontier(points: Sequence[Point], dataset: str = "mnist", cost: str = "reads") -> Frontier:
    """Average the seeds of every setting, and find the settings that none is both cheaper and
    better than.

    :raises InputError: no network of that data set among the points.
    """
    groups: dict[str, list[Point]] = {}
    for point in points:
        if point.figures is not None and point.settings["dataset"] == dataset:
            rest = {key: value for key, value in point.settings.items() if key != "seed"}
            groups.setdefault(json.dumps(rest, sort_keys=True), []).append(point)

    if not groups:
        others = sorted(
            {point.settings["dataset"] for point in points if point.figures is not None}
        )
        remedy = (
            f"choose --dataset {' or '.join(others)}"
            if others
            else "run `python -m train sweep` first"
        )
        raise InputError(f"no network trained on {dataset!r} is among the results; {remedy}.")

    settings = sorted(
        (_setting(text, group) for text, group in groups.items()), key=lambda one: one.cost(cost)
    )
    return Frontier(dataset, cost, tuple(settings), _front(settings, cost))


def _setting(text: str, group: Sequence[Point]) -> Setting:
    ordered = sorted(group, key=lambda point: point.settings["seed"])
    figures = tuple(point.figures for point in ordered if point.figures is not None)
    return Setting(json.loads(text), tuple(point.settings["seed"] for point in ordered), figures)


def _front(settings: Sequence[Setting], cost: str) -> frozenset[int]:
    """Return the indices of the settings that no other one equals or beats in both respects and
    beats in one.
    """

    def beaten(one: Setting) -> bool:
        mine = (-one.cost(cost), one.mean("validation"))
        theirs = [(-other.cost(cost), other.mean("validation")) for other in settings]
        return any(pair[0] >= mine[0] and pair[1] >= mine[1] and pair != mine for pair in theirs)

    return frozenset(index for index, one in enumerate(settings) if not beaten(one))
