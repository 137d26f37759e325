"""IDX files, the format of MNIST and of sets that replace it: four of them make a data set."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from sim.errors import InputError, one_line
from sim.files import AnyPath
from sim.reading import MOST_BYTES, check_file

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""The four files of a data set: training images and labels, test images and labels; each may end
in .gz.
"""

MAGIC = b"\0\0\x08"
"""What an IDX file of unsigned bytes starts with; the number of dimensions follows."""

MOST_DIMENSIONS = 3
"""Images have three, labels one."""

Bytes = npt.NDArray[np.uint8]

Arrays = tuple[Bytes, Bytes, Bytes, Bytes]
"""The content of :data:`FILES`, in that order: images (n, height, width), labels (n,)."""


def read_folder(folder: AnyPath) -> Arrays:
    """Read the four files of a folder, gzip or not.

    :raises InputError: one is missing or damaged, or images and labels do not belong together.
    """
    folder = Path(folder)
    images, labels, test_images, test_labels = (read_idx(_find(folder, name)) for name in FILES)
    for part, (pictures, marks) in {
        "train": (images, labels),
        "t10k": (test_images, test_labels),
    }.items():
        if pictures.ndim != 3 or marks.ndim != 1 or len(pictures) != len(marks):
            raise InputError(
                f"{folder}: {part} has images {pictures.shape} and labels {marks.shape}; "
                "give matching files."
            )
    return images, labels, test_images, test_labels


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise InputError(
        f"{folder / name}: no such file (nor .gz); "
        "give the folder of the four IDX files with --data DIR."
    )


def read_idx(path: AnyPath) -> Bytes:
    """Read an IDX file of unsigned bytes, gzip or not.

    :raises InputError: it is missing, has another magic number, too many dimensions or bytes, or a
        length that does not match its header.
    """
    path = Path(path)
    check_file(path, "fetch it again")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _array(path, cast(IO[bytes], file))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: cannot be read ({one_line(str(error))}); fetch it again."
        ) from error


def _array(path: Path, file: IO[bytes]) -> Bytes:
    """Return the array of an IDX file; no more is read than its header says."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:3] != MAGIC:
        raise InputError(
            f"{path}: starts with {magic.hex()}, not the magic number of unsigned IDX bytes."
        )
    dimensions = magic[3]
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise InputError(f"{path}: has {dimensions} dimensions, not 1 to {MOST_DIMENSIONS}.")

    header = file.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise InputError(f"{path}: ends within its header; fetch it again.")
    shape = struct.unpack(f">{dimensions}I", header)
    size = math.prod(shape)
    if size > MOST_BYTES:
        raise InputError(f"{path}: has {size} bytes, over {MOST_BYTES}; give a smaller one.")
    # one byte more, to know whether there are any
    data = file.read(size + 1)
    if len(data) != size:
        found = f"over {size}" if len(data) > size else str(len(data))
        raise InputError(
            f"{path}: has {found} bytes of data, its header says {size}; fetch it again."
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def idx_bytes(array: Bytes) -> bytes:
    """Return the IDX file of an array of unsigned bytes."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return MAGIC + bytes((array.ndim,)) + sizes + array.tobytes()
