"""Data sets of small images by name, and the split that training and reports share."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.data import fashion, mnist, yin_yang
from sim.data.idx import Arrays
from sim.errors import InputError, require
from sim.files import AnyPath

VALIDATION_FRACTION = 12
"""One training image in VALIDATION_FRACTION is kept for validation: 5,000 of 60,000."""

SPLIT_SEED = 20260101
"""The split is the same for every run, whatever the run's own seed: validation figures stay
comparable.
"""


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    :param classes: what its labels mean, label 0 first.
    :param read: returns its four arrays from the folder of its files, None if there is no folder.
    """

    classes: tuple[str, ...]
    read: Callable[[Path | None], Arrays]


SOURCES: Mapping[str, Source] = {
    "mnist": Source(mnist.CLASSES, mnist.read),
    "fashion-mnist": Source(fashion.CLASSES, fashion.read),
    "yin-yang": Source(yin_yang.CLASSES, yin_yang.read),
}
"""The data sets known by name."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, for training and for the final test.

    :param name: the key in :data:`SOURCES`.
    :param classes: what the labels mean, label 0 first.
    :param train_images: uint8 (n, height, width).
    :param train_labels: uint8 (n,).
    :param test_images: uint8 (m, height, width).
    :param test_labels: uint8 (m,).
    """

    name: str
    classes: tuple[str, ...]
    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]

    @cached_property
    def digest(self) -> str:
        """What tells this data from other data, 16 hexadecimal digits."""
        return digest_of(self.classes, self.arrays)

    @property
    def arrays(self) -> Arrays:
        """Images and labels, for training, then for the test."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    def check_trainable(self) -> None:
        """Check that there is something to learn from, to validate with and to test.

        :raises InputError: a part is empty, or images have no pixels.
        """
        count = len(self.train_labels)
        require(
            count >= VALIDATION_FRACTION,
            f"data set {self.name!r}",
            f"has {count} training images, of which one in {VALIDATION_FRACTION} is kept for "
            f"validation; give {VALIDATION_FRACTION} or more",
        )
        require(
            len(self.test_labels) > 0,
            f"data set {self.name!r}",
            "has no test images; give one or more",
        )
        shape = self.train_images.shape[1:]
        require(
            min(shape) > 0 and self.test_images.shape[1:] == shape,
            f"data set {self.name!r}",
            f"has training images of {shape} pixels and test images of "
            f"{self.test_images.shape[1:]}; give images of one size",
        )

    def split(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return which training images to learn from, and which are kept for validation: 55,000 /
        5,000 for MNIST.
        """
        order = np.random.default_rng(SPLIT_SEED).permutation(len(self.train_labels))
        kept = len(order) // VALIDATION_FRACTION
        return order[kept:], order[:kept]


def digest_of(classes: Sequence[str], arrays: Iterable[npt.NDArray[Any]]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of arrays, and of what their labels
    mean.
    """
    sha = hashlib.sha256(repr(tuple(classes)).encode())
    for array in arrays:
        sha.update(repr((array.shape, array.dtype.str)).encode())
        sha.update(array.tobytes())
    return sha.hexdigest()[:16]


def load(name: str, folder: AnyPath | None = None) -> Dataset:
    """Load a data set by name.

    :param folder: of its files, the four IDX files of :data:`sim.data.idx.FILES`, gzip or not;
        None: MNIST is fetched once into the user's cache, and yin-yang is generated.
    :raises InputError: unknown name, missing, damaged or inconsistent files, or a download that
        fails.
    """
    if name not in SOURCES:
        raise InputError(f"data set {name!r} is unknown; choose one of {', '.join(SOURCES)}.")
    source, files = SOURCES[name], None if folder is None else Path(folder)
    classes, arrays = source.classes, source.read(files)
    for part, labels in (("train", arrays[1]), ("t10k", arrays[3])):
        if len(labels) and labels.max() >= len(classes):
            raise InputError(
                f"{folder}: {part} has label {labels.max()}, {name} has {len(classes)} classes."
            )
    return Dataset(name, classes, *arrays)
