"""What is wrong with an input, in one sentence, and the checks that say so."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one sentence with the file, the key
    and the remedy.
    """


def require(condition: bool, key: str, problem: str) -> None:
    """Check ``condition``.

    :raises InputError: it is false; the sentence is ``key: problem``.
    """
    if not condition:
        raise InputError(f"{key}: {problem}.")


def checked_array(value: Any, dtype: npt.DTypeLike, dimensions: int, key: str) -> npt.NDArray[Any]:
    """Return a read-only copy after checking type and shape; nothing is cast.

    :raises InputError: ``value`` is no array of that type and number of dimensions.
    """
    wanted = np.dtype(dtype)
    require(
        isinstance(value, np.ndarray),
        key,
        f"must be a NumPy array of {wanted}, not {type(value).__name__}",
    )
    require(
        value.dtype == wanted, key, f"must be {wanted}, not {value.dtype}; export the network again"
    )
    require(value.ndim == dimensions, key, f"must have {dimensions} dimension(s), not {value.ndim}")

    copy = np.array(value, order="C")
    copy.flags.writeable = False
    return copy


def check_keys(value: Any, key: str, names: Collection[str]) -> dict[str, Any]:
    """Return ``value`` after checking that it is a JSON object with these keys and no others.

    :raises InputError: otherwise; it names the first key that is missing or unknown.
    """
    require(isinstance(value, dict), key, "must be a JSON object; export it again")
    for name in names:
        require(name in value, f"{key}.{name}", "is missing; export it again")
    for name in value:
        require(name in names, f"{key}.{name}", "is not a key of this format; export it again")
    return value


def check_labels(labels: npt.NDArray[Any], images: int, classes: int) -> None:
    """Check that there is one label per image and each names a class.

    :raises InputError: otherwise.
    """
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != (images,):
        raise InputError(
            f"labels: must be {images} integers, one per image, not {labels.dtype} {labels.shape}."
        )
    if images and not (labels.min() >= 0 and labels.max() < classes):
        raise InputError(
            f"labels: must be in 0..{classes - 1}, found {labels.min()}..{labels.max()}."
        )


def is_integer(value: Any, low: int, high: int) -> bool:
    """Whether ``value`` is an integer (no bool) in ``low`` .. ``high``."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def choose(table: Mapping[str, T], name: Any, key: str) -> T:
    """Return the part of that name from a table of parts.

    :param key: of what names it, for the message.
    :raises InputError: the table has none of that name.
    """
    if not isinstance(name, str) or name not in table:
        raise InputError(
            f"{key}: {name!r} is not possible in this version; take {' or '.join(table)}."
        )
    return table[name]


def names_of(table: Mapping[str, type]) -> str:
    """Return the classes of a table of parts, for a message."""
    return " or ".join(kind.__name__ for kind in table.values())


def one_line(text: str) -> str:
    """Return a text as one line that a terminal takes literally: names of files may have line
    breaks and control characters in them.
    """
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
