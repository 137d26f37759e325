"""Learning in place over a data set: the integer rule of :mod:`sim.learning.supervised`, from
random weights or an exported network.

An image is learnt once per epoch, in an order (and with shifts) drawn from the seed and the epoch,
so a run resumed after an epoch equals one that was never interrupted. No PyTorch: what runs here
runs on a board.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from sim import batch
from sim.data.dataset import Dataset
from sim.errors import InputError, is_integer
from sim.file import read_tensors, write_tensors
from sim.learning.schedule import check_skip, draws, first_state, skipping
from sim.learning.supervised import Rule
from sim.learning.supervised_batch import Learner
from sim.network import Layer, Network
from train.checkpoint import RENEW, check_data
from train.learning.change import hide, shift, stick_rows, turn
from train.settings import shown

CHUNK = 1000
"""Images between two reports of progress."""

CHECKPOINT_FORMAT, CHECKPOINT_VERSION = "ttfs-learning", "2"

MOST = {"epochs": 1_000_000, "seed": 2**63 - 1, "shift": 2**15, "stuck": 2**31 - 1}
"""The largest values of settings."""

MOST_TURN = 360
"""Degrees."""

Progress = Callable[[int], object]


@dataclass(frozen=True)
class LearnSettings:
    """What one run does; two runs with the same settings give the same weights.

    :param network: digest of the network at the start.
    :param dataset: its name.
    :param rule: what an image teaches.
    :param epochs: times each image is learnt.
    :param seed: of orders, shifts and draws.
    :param shift: augmentation: the most pixels by which an image is moved, drawn anew every epoch.
    :param turn: degrees by which all images are turned (a change to recover from).
    :param stuck: number of input rows stuck at zero (another).
    :param limit: training images used; None for all.
    :param skip: ``skip`` of :mod:`sim.learning.supervised`, first and last; it grows linearly
        between.
    :raises InputError: one of them is out of range.
    """

    network: str
    dataset: str
    rule: Rule
    epochs: int = 20
    seed: int = 1
    shift: int = 0
    turn: float = 0.0
    stuck: int = 0
    limit: int | None = None
    skip: tuple[int, int] = (0, 230)

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise InputError(f"--{name}: must be in 0..{most:,}, not {value}.")
        if not abs(self.turn) <= MOST_TURN:
            raise InputError(f"--turn: must be in -{MOST_TURN}..{MOST_TURN}, not {self.turn}.")
        if self.limit is not None and self.limit < 1:
            raise InputError(f"--limit: must be at least 1, not {self.limit}.")
        check_skip(*self.skip)

    def to_json(self) -> dict[str, Any]:
        """Return the settings under their stable names: ``skip`` is called ``thin`` there."""
        fields = asdict(self)
        return {"thin" if name == "skip" else name: value for name, value in fields.items()}

    def count(self, data: Dataset) -> int:
        """Return how many training images an epoch has; others are for validation, or unused."""
        available = len(data.split()[0])
        return available if self.limit is None else min(available, self.limit)


@dataclass(frozen=True)
class Point:
    """One point of the learning curve, after ``epoch`` epochs; accuracies in 0..1.

    :param epoch: epochs done.
    :param validation: accuracy on validation images.
    :param test: accuracy on test images, of the start and the end; None before the end is reached,
        and of all points between them.
    :param running: accuracy on the training images as they came, each before it was learnt; None at
        the start.
    :param updated: images that had something to teach.
    :param skipped: images that had nothing to teach.
    :param rows: rows of weights written, mean per update.
    :param changed: weights changed, mean per update.
    :param images_per_second: learnt, on one core.
    """

    epoch: int
    validation: float
    test: float | None = None
    running: float | None = None
    updated: int = 0
    skipped: int = 0
    rows: float = 0.0
    changed: float = 0.0
    images_per_second: float = 0.0


@dataclass(frozen=True)
class State:
    """A run after its last whole epoch.

    :param network: with the weights after it.
    :param generator: state of the generator after it.
    :param curve: a point before the first epoch, and one after each.
    """

    network: Network
    generator: int
    curve: list[Point]


def run(
    settings: LearnSettings,
    start: Network,
    data: Dataset,
    checkpoint: Path,
    progress: Progress,
    report: Callable[[Point], object] = lambda point: None,
) -> State:
    """Learn, epoch by epoch; continue from ``checkpoint`` when it exists and write it after every
    epoch. Test images are looked at once, at the end.

    :param progress: receives how many more images are done.
    :param report: receives each point of the curve, once its checkpoint is written.
    :raises InputError: the network does not fit the data, or the checkpoint belongs to other
        settings or data.
    """
    data.check_trainable()
    split = _Split.of(settings, start, data)
    state = None
    if checkpoint.is_file():
        state = load_checkpoint(checkpoint, settings, split.network, data.digest)
    if state is None:
        state = State(
            split.network,
            first_state(settings.seed),
            [split.measure(split.network, Point(0, 0))],
        )

    progress((len(state.curve) - 1) * len(split.labels))
    while len(state.curve) <= settings.epochs:
        state = _learn_epoch(settings, split, state, progress)
        save_checkpoint(checkpoint, settings, state, data.digest)
        report(state.curve[-1])

    first, *between = state.curve
    curve = [split.measure_test(split.network, first), *between]
    curve[-1] = split.measure_test(state.network, curve[-1])
    return replace(state, curve=curve)


def _learn_epoch(
    settings: LearnSettings, split: "_Split", state: State, progress: Progress
) -> State:
    """Learn one epoch; return the run after it, with one more point."""
    epoch = len(state.curve)

    # first the order, then the shifts: a board that only shuffles draws the same order
    rng = draws(settings.seed, epoch)
    order = rng.permutation(len(split.labels))
    images = hide(split.network, shift(split.images[order], settings.shift, rng), split.stuck)
    labels = split.labels[order]
    skip = skipping(settings.skip, epoch, settings.epochs, len(order))
    learner = Learner(state.network, settings.rule, state.generator)

    right = updated = rows = changed = 0
    seconds = 0.0  # of learning alone, without drawing and measuring
    for first in range(0, len(order), CHUNK):
        part = slice(first, first + CHUNK)
        begin = perf_counter()
        lessons = learner.learn(images[part], labels[part], skip[part])
        seconds += perf_counter() - begin

        right += int((lessons.decision == labels[part]).sum())
        updated += int(lessons.updated.sum())
        rows += int(lessons.rows.sum())
        changed += int(lessons.changed.sum())
        progress(len(lessons.decision))

    made, count = max(1, updated), len(order)
    counts = right / count, updated, count - updated, rows / made, changed / made
    point = Point(epoch, 0, None, *counts, count / max(seconds, 1e-9))
    return State(
        learner.network, learner.state, [*state.curve, split.measure(learner.network, point)]
    )


@dataclass(frozen=True, eq=False)
class _Split:
    """The changed data in three parts, and the (changed) network that starts."""

    network: Network
    stuck: npt.NDArray[np.intp]
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    validation: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    test: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

    @classmethod
    def of(cls, settings: LearnSettings, network: Network, data: Dataset) -> "_Split":
        if network.classes != data.classes:
            raise InputError(
                f"classes: the network decides between {network.classes}, "
                f"{data.name} has {data.classes}."
            )

        size = min(data.train_images.shape[1:])
        if settings.shift >= size:
            raise InputError(
                f"--shift: must be below the size of an image, {size}, not {settings.shift}."
            )

        # the change concerns all parts alike; shifts, drawn anew every epoch, training alone
        images, labels = turn(data.train_images, settings.turn), data.train_labels
        network, stuck = stick_rows(network, images, settings.stuck)
        used, kept = data.split()
        used = used[: settings.count(data)]
        test = turn(data.test_images, settings.turn), data.test_labels
        return cls(network, stuck, images[used], labels[used], (images[kept], labels[kept]), test)

    def measure(self, network: Network, point: Point) -> Point:
        """Return the point with the network's accuracy on validation images, on the integer
        machine.
        """
        return replace(point, validation=_accuracy(network, *self.validation))

    def measure_test(self, network: Network, point: Point) -> Point:
        """Return the point with the network's accuracy on test images."""
        return replace(point, test=_accuracy(network, *self.test))


def _accuracy(
    network: Network, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]
) -> float:
    return float((batch.run(network, images).decision == labels).mean())


def save_checkpoint(path: Path, settings: LearnSettings, state: State, data: str) -> None:
    """Write a run's state, whole or not at all.

    :param data: digest of the data that is learnt.
    :raises InputError: the folder cannot be written, or the disk is full.
    """
    metadata = {
        "format": CHECKPOINT_FORMAT,
        "version": CHECKPOINT_VERSION,
        "settings": json.dumps(settings.to_json()),
        "data": data,
        "generator": str(state.generator),
        "curve": json.dumps([asdict(point) for point in state.curve]),
    }
    tensors = {
        f"layers.{index}.weight": layer.weight for index, layer in enumerate(state.network.layers)
    }
    write_tensors(path, tensors, metadata)


def load_checkpoint(path: Path, settings: LearnSettings, start: Network, data: str) -> State:
    """Read a run's state written by :func:`save_checkpoint` under the same settings.

    :param data: digest of the data that is learnt.
    :raises InputError: the file is damaged, or belongs to other settings or data.
    """
    tensors, metadata = read_tensors(path, CHECKPOINT_FORMAT, CHECKPOINT_VERSION)
    try:
        found, wanted = json.loads(metadata["settings"]), json.loads(json.dumps(settings.to_json()))
        for name in wanted:
            if found.get(name) != wanted[name]:
                raise InputError(
                    f"{path}: was begun with {name} {shown(found.get(name))}, "
                    f"not {shown(wanted[name])}; {RENEW}."
                )
        check_data(path, metadata["data"], data)

        generator = json.loads(metadata["generator"])
        if not is_integer(generator, 1, 2**32 - 1):
            raise ValueError("generator")
        curve = [_point(index, each) for index, each in enumerate(json.loads(metadata["curve"]))]
        if not 1 <= len(curve) <= settings.epochs + 1:
            raise ValueError("curve")
        return State(replace(start, layers=_layers(start, tensors)), generator, curve)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        if isinstance(error, InputError) and str(error).startswith(str(path)):
            raise
        raise InputError(f"{path}: is incomplete or damaged ({error}); {RENEW}.") from error


def _layers(start: Network, tensors: Mapping[str, npt.NDArray[Any]]) -> tuple[Layer, ...]:
    """Return the layers of a network with the weights of a checkpoint.

    :raises ValueError: they are of another type, shape or range.
    """
    names = [f"layers.{index}.weight" for index in range(len(start.layers))]
    if tensors.keys() != set(names):
        raise ValueError("layers")
    for name, layer in zip(names, start.layers, strict=True):
        if tensors[name].dtype != np.int8 or tensors[name].shape != layer.weight.shape:
            raise ValueError(name)
    return tuple(
        layer.with_weight(tensors[name]) for name, layer in zip(names, start.layers, strict=True)
    )


def _point(index: int, values: Any) -> Point:
    """Return a point of a checkpoint's curve.

    :raises TypeError: it has other keys.
    :raises ValueError: a value is of another type or out of range.
    """
    point = Point(**values)
    shares = (point.validation, 0.0 if point.running is None else point.running)
    figures = (*shares, point.rows, point.changed, point.images_per_second)
    counts = (point.updated, point.skipped)
    fits = point.epoch == index and (point.running is None) == (index == 0)
    fits &= all(type(value) in (int, float) and 0 <= value < math.inf for value in figures)
    fits &= all(value <= 1 for value in shares) and point.test is None
    if not fits or not all(is_integer(value, 0, 2**63 - 1) for value in (index, *counts)):
        raise ValueError("curve")
    return point
