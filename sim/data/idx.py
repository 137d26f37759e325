"""IDX files, the format of MNIST and of sets that replace it: four of them make a data set."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.files import AnyPath

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

Bytes = npt.NDArray[np.uint8]

Arrays = tuple[Bytes, Bytes, Bytes, Bytes]
"""The content of :data:`FILES`, in that order: images (n, height, width), labels (n,)."""


def read_folder(folder: Path) -> Arrays:
    """Read the four files of a folder, gzip or not.

    :raises InputError: one is missing or damaged, or images and labels do not belong together.
    """
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

    :raises InputError: wrong magic number, or a length that does not match its header.
    """
    path = Path(path)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); fetch it again.") from error
    if len(data) < 4 or data[:3] != MAGIC:
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
            f"{path}: has {len(data) - header} bytes of data, its header says {size}; "
            "fetch it again."
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def idx_bytes(array: Bytes) -> bytes:
    """Return the IDX file of an array of unsigned bytes."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return MAGIC + bytes((array.ndim,)) + sizes + array.tobytes()
