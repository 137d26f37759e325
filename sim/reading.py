"""What files of others contain, read within bounds: nothing is taken from them before its kind and
size are known, and nothing in them is ever run.
"""

import json
import lzma
import math
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from sim.errors import InputError, one_line
from sim.files import AnyPath

T = TypeVar("T")

MOST_BYTES = 1 << 30
"""Of a file, and of what is packed in it: a thousand times MNIST's test images."""

MOST_TEXT = 1 << 20
"""Characters of a JSON text."""

MOST_DEPTH = 32
"""Lists and objects in each other in a JSON text."""

MOST_DIGITS = 20
"""Of a whole number in a JSON text; all numbers of ours have fewer."""

MOST_DIMENSIONS = 8
"""Of an array."""

KINDS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\x1f\x8b": "packed with gzip",
    b"\x80": "a pickle, which could run code when it is read",
}
"""What files are that are given for arrays by mistake, by their first bytes."""

HEADER_BYTES = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}
"""Of the length of a ``.npy`` file's header, by its version."""

MOST_HEADER = 1 << 16

_HEADER = re.compile(
    r"\{\s*'descr':\s*'([<>|=]?(?:b1|[iu][1248]|f[248]))',\s*'fortran_order':\s*(True|False),"
    r"\s*'shape':\s*\(((?:\s*\d{1,18}L?\s*(?:,|(?=\))))*)\s*\),?\s*\}\s*"
)
_DESCRIBED = re.compile(r"'descr':\s*(.{1,40}?)\s*,\s*'fortran")

_REMEDY = "write one array with numpy.save"


def check_file(path: AnyPath, remedy: str) -> None:
    """Check that ``path`` is a file of a size that can be read.

    :param remedy: where it is none: what to do.
    :raises InputError: it is missing, or no file, as a folder or a device, or too large.
    """
    path = Path(path)
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else "no file can be called so"
        raise InputError(f"{path}: {_lower(reason)}; {remedy}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: is not a file; {remedy}.")
    if found.st_size > MOST_BYTES:
        raise InputError(
            f"{path}: has {found.st_size} bytes, over {MOST_BYTES}; give a smaller one."
        )


def _lower(reason: str | None) -> str:
    """Return a reason of the system's as part of a sentence."""
    text = reason or "cannot be read"
    return "no such file" if text.startswith("No such file") else text[0].lower() + text[1:]


def parse_json(text: str, key: str) -> Any:
    """Return the value of a JSON text whose size, depth and numbers are bounded, and whose texts
    can be written.

    :param key: of the text, for the message.
    :raises InputError: it is none.
    """
    if len(text) > MOST_TEXT:
        raise InputError(f"{key}: has over {MOST_TEXT} characters; export it again.")
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_real, parse_constant=_real)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{key}: is not JSON; export it again.") from error

    try:
        level: list[Any] = [value]
        for _ in range(MOST_DEPTH):
            level = [inner for outer in level for inner in _inside(outer)]
            if not level:
                return value
    except UnicodeEncodeError as error:
        raise InputError(f"{key}: has a text that is not Unicode; export it again.") from error
    raise InputError(f"{key}: is nested over {MOST_DEPTH} deep; export it again.")


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError("too many digits")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("no number")
    return value


def _inside(value: Any) -> Iterator[Any]:
    """Yield what is in a JSON value.

    :raises UnicodeEncodeError: a text cannot be written: it has half of a surrogate pair.
    """
    if isinstance(value, dict):
        items = cast(dict[str, Any], value)
        yield from items.keys()
        yield from items.values()
    elif isinstance(value, list):
        yield from cast(list[Any], value)
    elif isinstance(value, str):
        value.encode()


def read_array(path: AnyPath) -> npt.NDArray[Any]:
    """Read one array of numbers, of a ``.npy`` file or the only one of a ``.npz``; never a pickle.

    :raises InputError: the file is missing, or is none, or holds several, or says that it has more
        than it has.
    """
    path = Path(path)
    check_file(path, _REMEDY)
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(b"PK"):
            return _guarded(path, lambda: _only_member(path, file))
        for magic, kind in KINDS.items():
            if start.startswith(magic):
                raise InputError(f"{path}: is {kind}, not a NumPy .npy file; {_REMEDY}.")
        return _guarded(path, lambda: _array(path, file, path.stat().st_size))


def read_arrays(path: AnyPath, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of numbers of a ``.npz`` file; never a pickle.

    :param names: those that can be in it.
    :raises InputError: the file is missing, or is none, or has another array in it.
    """
    path, remedy = Path(path), "write it with numpy.savez"
    check_file(path, remedy)
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: is not a NumPy .npz file; {remedy}.")
    return _guarded(path, lambda: _members(path, names))


def _members(path: Path, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name not in names:
                raise InputError(
                    f"{path}: {one_line(name)} is none of {', '.join(names)}; leave it out."
                )
            with archive.open(member) as inner:
                found[name] = _array(path, inner, member.file_size)
    return found


def _guarded(path: Path, read: Callable[[], T]) -> T:
    """Return what is read, or say that a file is none of NumPy's."""
    try:
        return read()
    except InputError:
        raise
    except (
        *(ValueError, EOFError, KeyError, OSError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    ) as error:
        reason = one_line(str(error)).rstrip(".")[:100] or type(error).__name__
        raise InputError(f"{path}: is not a NumPy .npy file ({reason}); {_REMEDY}.") from error


def _only_member(path: Path, file: IO[bytes]) -> npt.NDArray[Any]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) != 1:
            names = ", ".join(member.filename for member in members[:5])
            raise InputError(f"{path}: holds {len(members)} arrays ({names}); {_REMEDY}.")
        with archive.open(members[0]) as inner:
            return _array(path, inner, members[0].file_size)


def _array(path: Path, file: IO[bytes], size: int) -> npt.NDArray[Any]:
    """Return the array of a ``.npy`` file.

    :param size: bytes of the file.
    """
    form, shape, fortran = _header(path, file)
    dtype = np.dtype(form)
    if not 0 < len(shape) <= MOST_DIMENSIONS:
        raise InputError(f"{path}: has shape {shape}; give 1 to {MOST_DIMENSIONS} dimensions.")
    wanted, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if wanted != there or wanted > MOST_BYTES:
        raise InputError(
            f"{path}: has {there} bytes of data, its header says {wanted}; write it again."
        )
    content = file.read(wanted)
    if len(content) != wanted:
        raise InputError(f"{path}: ends within its data; write it again.")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")


def _header(path: Path, file: IO[bytes]) -> tuple[str, tuple[int, ...], bool]:
    """Return type, shape and order of a ``.npy`` file. NumPy reads its headers with the parser of
    Python; here is the one form in which numbers are ever written.
    """
    magic, version = file.read(6), file.read(2)
    if magic != b"\x93NUMPY" or version not in HEADER_BYTES:
        raise InputError(f"{path}: is not a NumPy .npy file; {_REMEDY}.")
    length = int.from_bytes(file.read(HEADER_BYTES[version]), "little")
    text = file.read(min(length, MOST_HEADER)).decode("latin1")
    found = _HEADER.fullmatch(text)
    if found is None:
        described = _DESCRIBED.search(text)
        kind = f"elements of {one_line(described[1])}" if described else "another header"
        raise InputError(f"{path}: has {kind}, not numbers; {_REMEDY}.")
    sizes = tuple(int(size.rstrip("L")) for size in found[3].split(",") if size.strip())
    return found[1], sizes, found[2] == "True"
