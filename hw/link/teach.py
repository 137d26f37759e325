"""Teaches a board over the link, image by image, and says what that cost; if wanted, compares every
lesson with sim.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hw.link.client import Board, Taught
from sim.errors import InputError
from sim.learning.schedule import check_skip, draws, first_state, skipping
from sim.learning.supervised_batch import Learner
from sim.network import Network

LAST = 1000
"""Images over which the current accuracy is taken."""


@dataclass(frozen=True)
class CourseSettings:
    """What one run does; ``train learn`` without shifts gives the same weights from the same start
    and settings.

    :param epochs: times each image is learnt.
    :param seed: of the order of the images and of the draws.
    :param skip: ``skip`` of :mod:`sim.learning.supervised`, first and last; it grows linearly
        between.
    :raises InputError: one of them is out of range.
    """

    epochs: int
    seed: int
    skip: tuple[int, int]

    def __post_init__(self) -> None:
        for name, low in (("epochs", 1), ("seed", 0)):
            if getattr(self, name) < low:
                raise InputError(f"--{name}: must be at least {low}, not {getattr(self, name)}.")

        check_skip(*self.skip)

    def to_json(self) -> dict[str, Any]:
        """Return the settings; ``skip`` has the key that files of earlier runs have."""
        return {"epochs": self.epochs, "seed": self.seed, "thin": list(self.skip)}


class DifferenceError(Exception):
    """Board and ``sim`` differ; the message names the lesson and both values."""


@dataclass
class Tally:
    """What came of the lessons so far; sums.

    :param images: shown.
    :param right: of these, decided rightly before they were learnt.
    :param updated: of these, that taught something.
    :param rows: weight rows written.
    :param changed: weights that moved.
    :param cycles: of all images.
    :param update_cycles: of those that taught something.
    :param last: whether each of the last ``LAST`` was decided rightly.
    """

    images: int = 0
    right: int = 0
    updated: int = 0
    rows: int = 0
    changed: int = 0
    cycles: int = 0
    update_cycles: int = 0
    last: deque[bool] = field(default_factory=lambda: deque[bool](maxlen=LAST))

    def add(self, taught: Taught, label: int) -> None:
        """Count one more lesson."""
        # A board answers what it decided before it learnt the image.
        self.images += 1
        self.right += taught.decision == label
        self.last.append(taught.decision == label)

        self.updated += taught.updated
        self.rows += taught.rows
        self.changed += taught.changed
        self.cycles += taught.cycles
        self.update_cycles += taught.cycles * taught.updated

    @property
    def accuracy(self) -> float:
        """Of the last ``LAST`` images, each before it was learnt; 0..1."""
        return sum(self.last) / max(1, len(self.last))

    def to_json(self, clock_hz: int, clocks_hz: Mapping[str, int]) -> dict[str, Any]:
        """Return the figures of a run; means per update are over images that taught something.

        :param clock_hz: of the board that was taught.
        :param clocks_hz: of other boards, by name, which would take as many cycles.
        """
        made = max(1, self.updated)

        return {
            "images": self.images,
            "accuracy": self.right / max(1, self.images),
            "accuracy_last": self.accuracy,
            "updated": self.updated,
            "skipped": self.images - self.updated,
            "rows_per_update": self.rows / made,
            "weights_per_update": self.changed / made,
            "cycles_per_image": self.cycles / max(1, self.images),
            "cycles_per_update": self.update_cycles / made,
            "seconds_on_this_board": self.cycles / clock_hz,
            "seconds_at_clock_of": {
                name: round(self.cycles / hz, 3) for name, hz in clocks_hz.items()
            },
        }


class Teacher:
    """A run of labelled images through a board.

    :param board: a board that learns.
    :param start: the weights to begin with, put into the board before the first lesson.
    :param images: uint8 (n, height, width), learnt once per epoch.
    :param labels: (n,), their classes.
    :param settings: what the run does.
    :param check: compare each lesson, and :meth:`fetch` the weights, with
        :mod:`sim.learning.supervised_batch`.
    :raises InputError: the board does not learn, or ``start`` is not its network with other
        weights.
    """

    def __init__(
        self,
        board: Board,
        start: Network,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[Any],
        settings: CourseSettings,
        check: bool = False,
    ):
        rule = board.pipeline.rule
        if rule is None:
            raise InputError(
                "board: does not learn; `python -m hw build DIR --learn` makes one that does."
            )

        if _without_weights(start).digest != _without_weights(board.network).digest:
            raise InputError("--from: is not the board's network; only its weights may differ.")

        self.board, self.start, self.rule, self.settings = board, start, rule, settings
        self.images, self.labels = images, labels
        self.tally, self.epochs = Tally(), [Tally() for _ in range(settings.epochs)]
        self.learner = Learner(start, rule, first_state(settings.seed)) if check else None

    def load(self) -> Iterator[int]:
        """Put weights and generator into the board; yield how many more words are there."""
        for index, layer in enumerate(self.board.pipeline.layers):
            wanted = replace(layer, layer=self.start.layers[index])
            yield from self.board.load_words(index, 0, wanted.rows.pack())
        self.board.set_generator(first_state(self.settings.seed))

    def run(self, go_on: Callable[[Tally], bool] = lambda _: True) -> bool:
        """Give every lesson, until ``go_on`` is false after one; return whether it was all of them.

        :raises DifferenceError: the board answers what sim does not.
        :raises LinkError: the board stopped answering.
        """
        for epoch, tally in enumerate(self.epochs):
            order, skip = self._course(epoch + 1)
            images, labels = self.images[order], self.labels[order]
            lessons = self.board.learn(images, labels.tolist(), skip.tolist())

            for index, taught in enumerate(lessons):
                self.tally.add(taught, int(labels[index]))
                tally.add(taught, int(labels[index]))
                if self.learner is not None:
                    self._compare(taught, order[index : index + 1], skip[index : index + 1])
                if not go_on(self.tally):
                    return False
        return True

    def fetch(self, progress: Callable[[int], object] = lambda _: None) -> Network:
        """Return the network with the weights of the board.

        :param progress: receives how many more words have come.
        :raises DifferenceError: they, or the generator, are not sim's.
        """
        layers: list[Any] = []
        for index, layer in enumerate(self.board.pipeline.layers):
            # Not all at once: each word that came is progress.
            words: list[int] = []
            for word in self.board.fetch_words(index):
                words.append(word)
                progress(1)
            layers.append(self.start.layers[index].with_weight(layer.rows.unpack(words)))

        found = replace(self.start, layers=tuple(layers))
        if self.learner is not None:
            expected = (self.learner.network.digest, self.learner.state)
            if (found.digest, self.board.read("generator")) != expected:
                raise DifferenceError(
                    f"after {self.tally.images} lessons: the board's weights are not sim's"
                )
        return found

    @property
    def words(self) -> int:
        """Words of weights in the board."""
        return sum(layer.rows.depth for layer in self.board.pipeline.layers)

    def to_json(self, clocks_hz: Mapping[str, int]) -> dict[str, Any]:
        """Return the figures of the run, and of each epoch that began.

        :param clocks_hz: of boards, by name, whose time for the run is wanted too.
        """
        clock_hz = self.board.read("clock_hz")
        begun = [tally for tally in self.epochs if tally.images]
        return {
            "settings": self.settings.to_json() | {"rule": asdict(self.rule)},
            "board": f"{self.board.network.digest:08x}",
            "clock_hz": clock_hz,
            **self.tally.to_json(clock_hz, clocks_hz),
            "curve": [
                {"epoch": epoch} | tally.to_json(clock_hz, clocks_hz)
                for epoch, tally in enumerate(begun, 1)
            ],
        }

    def _course(self, epoch: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        """Return the order of the images in an epoch, the first is 1, and ``skip`` of each."""
        # The same draws as `train learn`: so the same weights come of it.
        count = len(self.labels)
        order = draws(self.settings.seed, epoch).permutation(count)
        return order, skipping(self.settings.skip, epoch, self.settings.epochs, count)

    def _compare(
        self, taught: Taught, index: npt.NDArray[np.intp], skip: npt.NDArray[np.int64]
    ) -> None:
        """Compare one lesson with sim.

        :raises DifferenceError: they differ.
        """
        assert self.learner is not None

        lessons = self.learner.learn(self.images[index], self.labels[index], skip)
        for name in ("decision", "updated", "rows", "changed"):
            expected, found = int(getattr(lessons, name)[0]), int(getattr(taught, name))
            if expected != found:
                raise DifferenceError(
                    f"lesson {self.tally.images - 1}, {name}: expected {expected}, found {found}"
                )


def _without_weights(network: Network) -> Network:
    """Return the network with zeros for weights."""
    layers = (layer.with_weight(np.zeros_like(layer.weight)) for layer in network.layers)
    return replace(network, layers=tuple(layers))
