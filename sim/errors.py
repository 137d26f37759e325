"""What is wrong with an input, in one sentence, and the checks that say so."""

from typing import Any

import numpy as np
import numpy.typing as npt


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one sentence with the file, the key
    and the remedy.
    """


def require(condition: bool, key: str, problem: str) -> None:
    """Check ``condition``.

    :raises InputError: it does not hold; the sentence is ``key: problem``.
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


def is_integer(value: Any, low: int, high: int) -> bool:
    """Whether ``value`` is an integer (no bool) in ``low`` .. ``high``."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
