"""Labels as they come from outside, checked before anything is counted."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError


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
