"""What a board may meet in the field, and what keeps a small set from being learnt by heart:
changed images.
"""

from dataclasses import replace
from math import cos, radians, sin

import numpy as np
import numpy.typing as npt

from sim.encoders.intensity import NEVER, encode, image_encoder
from sim.errors import InputError
from sim.network import Network

Images = npt.NDArray[np.uint8]


def shift(images: Images, pixels: int, rng: np.random.Generator) -> Images:
    """Move each image (n, height, width) by -pixels ... +pixels in both directions, drawn anew; 0
    comes in.
    """
    if pixels == 0:
        return images
    height, width = images.shape[1:]

    # with a border of zeros; every image is cut out of it at an offset of its own
    wide = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels)))
    down, across = rng.integers(0, 2 * pixels + 1, (2, len(images)))
    moved = np.empty_like(images)
    for row in range(2 * pixels + 1):
        for column in range(2 * pixels + 1):
            chosen = (down == row) & (across == column)
            moved[chosen] = wide[chosen, row : row + height, column : column + width]
    return moved


def turn(images: Images, degrees: float) -> Images:
    """Turn images (n, height, width) anticlockwise about their centre, bilinear, rounded; 0 comes
    in.
    """
    if degrees == 0:
        return images
    height, width = images.shape[1:]

    # where each pixel of the result comes from: turned back about the centre
    y, x = (
        np.mgrid[:height, :width]
        - np.array([(height - 1) / 2, (width - 1) / 2])[:, np.newaxis, np.newaxis]
    )
    angle = radians(degrees)
    # plus 1, for the border of zeros
    rows = cos(angle) * y + sin(angle) * x + (height - 1) / 2 + 1
    columns = cos(angle) * x - sin(angle) * y + (width - 1) / 2 + 1
    rows, columns = rows.clip(0, height), columns.clip(0, width)

    # bilinear: of the four pixels around it each weighs more the nearer it is
    top, left = rows.astype(int), columns.astype(int)
    wide = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    total = np.zeros(images.shape, np.float32)
    for down in (0, 1):
        for across in (0, 1):
            share = (1 - abs(rows - top - down)) * (1 - abs(columns - left - across))
            total += wide[:, top + down, left + across] * share.astype(np.float32)

    return np.rint(total).astype(np.uint8)


def stick_rows(
    network: Network, images: Images, count: int
) -> tuple[Network, npt.NDArray[np.intp]]:
    """Set the ``count`` input rows that ``images`` look up most to zero; returns the network and
    those inputs.

    :raises InputError: the network has fewer rows.
    """
    hidden, *others = network.layers
    if not 0 <= count < hidden.fan_in:
        raise InputError(f"--stuck: must be in 0..{hidden.fan_in - 1}, not {count}.")
    used = (encode(image_encoder(network.encoder), images) != NEVER).sum(axis=0)
    rows = np.argsort(-used, kind="stable")[:count]
    weight = hidden.weight.copy()
    weight[rows] = 0
    return replace(network, layers=(hidden.with_weight(weight), *others)), rows


def hide(network: Network, images: Images, rows: npt.NDArray[np.intp]) -> Images:
    """Return images in which the pixels of these input rows never fire.

    A row whose memory is stuck at zero neither adds to a current nor keeps an update: to learn with
    it is to learn without its spikes.

    :raises InputError: every intensity fires, or pixels are pooled: no such image exists.
    """
    if len(rows) == 0:
        return images
    encoder = image_encoder(network.encoder)
    quiet = np.flatnonzero(encoder.tick_of == NEVER)
    if len(quiet) == 0 or encoder.pool != 1:
        raise InputError(
            "--stuck: needs a network without pooling in which some intensity never fires."
        )
    hidden = images.reshape(len(images), -1).copy()
    hidden[:, encoder.pixels[rows]] = quiet[0]
    return hidden.reshape(images.shape)
