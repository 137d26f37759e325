"""Images to input spikes: pooling, the choice of pixels, and the tick of each intensity."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.network import Encoder

NEVER = -1
"""The tick of a pixel that does not fire."""


def check_images(encoder: Encoder, images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return ``images`` as uint8 (n, height, width).

    :raises InputError: they are of another type or shape; nothing is cast or resized.
    """
    height, width = encoder.image_shape
    if images.dtype != np.uint8:
        raise InputError(
            f"images: must be uint8 intensities 0..255, not {images.dtype}; scale them to 0..255 first."
        )
    if images.ndim != 3 or images.shape[1:] != (height, width):
        raise InputError(
            f"images: must have shape (n, {height}, {width}), not {images.shape}; resize or export anew."
        )
    return images


def pool_images(images: npt.NDArray[np.uint8], pool: int) -> npt.NDArray[np.uint8]:
    """Replace each ``pool`` x ``pool`` square of (n, height, width) images by sum divided by 4
    (integer division).
    """
    if pool == 1:
        return images
    total = sum(
        images[:, row::2, column::2].astype(np.uint16) for row in (0, 1) for column in (0, 1)
    )
    return np.asarray(total // 4, np.uint8)


def encode(encoder: Encoder, images: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Return the tick at which each input fires, int16 (n, inputs), ``NEVER`` for none.

    :param images: uint8 (n, height, width).
    :raises InputError: the images are of another type or shape.
    """
    pooled = pool_images(check_images(encoder, images), encoder.pool)
    return encoder.spike_tick[pooled.reshape(len(pooled), -1)[:, encoder.pixels]]
