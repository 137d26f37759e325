"""Images to input spikes: pooling, the choice of pixels, and the tick of each intensity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sim.encoders.encoder import Encoder
from sim.encoders.spike_list import SpikeList
from sim.errors import InputError, check_keys, checked_array, is_integer, require
from sim.neuron import Spike

INTENSITIES = 256
"""Number of intensities of a pixel (uint8)."""

NEVER = -1
"""The tick of a pixel that does not fire."""


@dataclass(frozen=True, eq=False)
class Intensity:
    """How an image becomes input spikes: each pixel fires at its intensity's tick, or at several.

    :param image_shape: (height, width) or (height, width, channels) of an image of uint8
        intensities.
    :param pool: 1, or 2 to replace each 2x2 square by its sum divided by 4 (integer division).
    :param pixels: int32 (inputs,), strictly increasing flat indices into the (pooled) image; pixel
        i feeds input i.
    :param spike_tick: int16 (256,), the tick at which an input of that intensity fires, -1 for
        never; None: there is a mask.
    :param mask: uint8 (256, ticks), 1 at each tick at which an input of that intensity fires; None:
        there is a ``spike_tick``.
    :raises InputError: one of them is out of range.
    """

    image_shape: tuple[int, ...]
    pool: int
    pixels: npt.NDArray[np.int32]
    spike_tick: npt.NDArray[np.int16] | None = None
    mask: npt.NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        self._check_shape()
        pixels = checked_array(self.pixels, np.int32, 1, "encoder.pixels")
        require(pixels.size > 0, "encoder.pixels", "at least one pixel must be used")
        require(bool((np.diff(pixels) > 0).all()), "encoder.pixels", "must be strictly increasing")
        available = math.prod(self.map)
        inside = pixels[0] >= 0 and pixels[-1] < available
        require(inside, "encoder.pixels", f"must be in 0..{available - 1}")

        object.__setattr__(self, "image_shape", tuple(int(size) for size in self.image_shape))
        object.__setattr__(self, "pixels", pixels)
        one = (self.spike_tick is None) != (self.mask is None)
        require(one, "encoder.spikes", "and encoder.spike_tick exclude each other; give one")
        if self.mask is None:
            self._check_spike_tick()
        else:
            self._check_mask()

    def _check_spike_tick(self) -> None:
        key = "encoder.spike_tick"
        spike_tick = checked_array(self.spike_tick, np.int16, 1, key)
        require(spike_tick.size == INTENSITIES, key, f"must have {INTENSITIES} entries")
        require(bool((spike_tick >= NEVER).all()), key, "must be a tick, or -1 for never")
        fires = bool((spike_tick >= 0).any())
        require(fires, key, "no intensity ever fires; give one a tick >= 0")
        object.__setattr__(self, "spike_tick", spike_tick)

    def _check_mask(self) -> None:
        key = "encoder.spikes"
        mask = checked_array(self.mask, np.uint8, 2, key)
        rows = len(mask) == INTENSITIES and mask.shape[1] > 0
        require(rows, key, f"must have {INTENSITIES} rows, and a column per tick")
        require(bool((mask <= 1).all()), key, "must be 0 or 1")
        require(bool(mask.any()), key, "no intensity ever fires; give one a tick")
        object.__setattr__(self, "mask", mask)

    def _check_shape(self) -> None:
        shape: Sequence[Any] = self.image_shape
        sizes = len(shape) in (2, 3) and all(is_integer(size, 1, 4096) for size in shape)
        require(sizes, "image_shape", "two sizes of 1..4096, or three with channels")
        require(self.pool in (1, 2), "pool", f"must be 1 or 2, not {self.pool}")
        even = all(size % self.pool == 0 for size in shape[:2])
        require(even, "image_shape", f"{shape} cannot be pooled 2x2; use even sizes")

    @property
    def map(self) -> tuple[int, int, int]:
        """(height, width, channels) of what is left of an image after pooling."""
        height, width, *channels = self.image_shape
        return height // self.pool, width // self.pool, channels[0] if channels else 1

    @property
    def inputs(self) -> int:
        """Number of input neurons."""
        return self.pixels.size

    @property
    def inputs_key(self) -> str:
        """The key of a network's file that says how many inputs there are."""
        return "pixels"

    @property
    def has_channels(self) -> bool:
        """Whether a pixel is more than one input."""
        return len(self.image_shape) == 3

    @property
    def tick_of(self) -> npt.NDArray[np.int16]:
        """The tick at which an input of each intensity fires, int16 (256,), ``NEVER`` for none.

        :raises InputError: some intensity fires more than once.
        """
        if self.spike_tick is None:
            raise InputError("encoder.spikes: can be several per pixel; take a spike_tick here.")
        return self.spike_tick

    @cached_property
    def fires_at(self) -> npt.NDArray[np.bool_]:
        """At which ticks an input of each intensity fires, bool (256, ticks)."""
        if self.mask is not None:
            return self.mask.astype(np.bool_)
        ticks = np.arange(int(self.tick_of.max()) + 1)
        return np.asarray(self.tick_of[:, np.newaxis] == ticks)

    @property
    def first_tick(self) -> int:
        """The earliest tick at which any input can fire."""
        return int(np.flatnonzero(self.fires_at.any(axis=0))[0])

    @property
    def last_tick(self) -> int:
        """The latest tick at which any input can fire."""
        return int(np.flatnonzero(self.fires_at.any(axis=0))[-1])

    @property
    def most_spikes(self) -> int:
        """How often an input can spike in a sample."""
        return int(self.fires_at.sum(axis=1).max())

    def settings(self) -> dict[str, Any]:
        """Return the scalars of the encoder under their names in a network's file, for JSON."""
        return {"image_shape": self.image_shape, "pool": self.pool}

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the encoder under their names in a network's file."""
        arrays = {"spike_tick": self.spike_tick, "spikes": self.mask, "pixels": self.pixels}
        return {f"encoder.{key}": array for key, array in arrays.items() if array is not None}

    @classmethod
    def read(cls, settings: Any, tensors: dict[str, npt.NDArray[Any]]) -> Self:
        """Return the encoder of a file from what :meth:`settings` and :meth:`tensors` gave it, and
        take its arrays out of ``tensors``.

        :raises InputError: a key is missing, unknown or out of range.
        """
        found = check_keys(settings, "encoder", ("image_shape", "pool"))
        shape: Any = found["image_shape"]
        require(isinstance(shape, list), "image_shape", "must be a JSON list; export it again")
        require(is_integer(found["pool"], 1, 2), "pool", f"must be 1 or 2, not {found['pool']}")
        pixels, mask = tensors.pop("encoder.pixels"), tensors.pop("encoder.spikes", None)
        spike_tick = tensors.pop("encoder.spike_tick", None)
        require(
            spike_tick is not None or mask is not None,
            "encoder.spike_tick",
            "is missing; export it again",
        )
        return cls(tuple(shape), found["pool"], pixels, spike_tick, mask)

    def spikes(self, image: npt.NDArray[Any], last_tick: int | None = None) -> list[Spike]:
        """Return the input spikes of one image, by tick, then by input.

        :param image: uint8, of the image shape.
        :param last_tick: K of the network, which no image goes beyond.
        :raises InputError: it is of another type or shape.
        """
        fires = self.fires_at[intensities(self, image[np.newaxis])[0]]
        ticks, inputs = np.nonzero(fires.T)
        return [Spike(*pair) for pair in zip(ticks.tolist(), inputs.tolist(), strict=True)]

    def count(self, images: npt.NDArray[Any], last_tick: int | None = None) -> int:
        """Return the number of images.

        :param images: uint8 (n, ...), each of the image shape.
        :param last_tick: K of the network, which no image goes beyond.
        :raises InputError: they are of another type or shape.
        """
        return len(check_images(self, images))

    def spike_list(self, images: npt.NDArray[Any]) -> SpikeList:
        """Return the input spikes of images, as the compiled machine takes them.

        :param images: uint8 (n, ...), each of the image shape.
        :raises InputError: they are of another type or shape.
        """
        found = intensities(self, images)
        often = self.fires_at.sum(axis=1)
        image, neuron = np.nonzero((often > 0)[found])
        intensity = found[image, neuron]

        # an input that fires n times is there n times, with its first tick, its second, ...
        count = often[intensity]
        image, neuron, intensity = (np.repeat(each, count) for each in (image, neuron, intensity))
        number = np.arange(len(image)) - np.repeat(np.cumsum(count) - count, count)
        ticks = np.argsort(~self.fires_at, axis=1, kind="stable")
        tick = ticks[intensity, number]

        order = np.argsort(image * ticks.shape[1] + tick, kind="stable")
        start = np.searchsorted(image, np.arange(len(images) + 1))
        return SpikeList(tick[order].astype(np.int32), neuron[order].astype(np.int32), start)


def check_images(encoder: Intensity, images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return ``images`` as uint8 (n, ...), each of the image shape.

    :raises InputError: they are of another type or shape; nothing is cast or resized.
    """
    if images.dtype != np.uint8:
        raise InputError(
            f"images: must be uint8 intensities 0..255, not {images.dtype}; "
            "scale them to 0..255 first."
        )
    if images.shape[1:] != encoder.image_shape or images.ndim == 1:
        sizes = ", ".join(str(size) for size in encoder.image_shape)
        raise InputError(
            f"images: must have shape (n, {sizes}), not {images.shape}; resize or export anew."
        )
    return images


def pool_images(images: npt.NDArray[np.uint8], pool: int) -> npt.NDArray[np.uint8]:
    """Replace each ``pool`` x ``pool`` square of (n, height, width) images, or of each channel, by
    sum divided by 4 (integer division).
    """
    if pool == 1:
        return images
    total = sum(
        images[:, row::2, column::2].astype(np.uint16) for row in (0, 1) for column in (0, 1)
    )
    return np.asarray(total // 4, np.uint8)


def intensities(encoder: Intensity, images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return the intensity of each input, uint8 (n, inputs).

    :param images: uint8 (n, ...), each of the image shape.
    :raises InputError: the images are of another type or shape.
    """
    pooled = pool_images(check_images(encoder, images), encoder.pool)
    return pooled.reshape(len(pooled), -1)[:, encoder.pixels]


def encode(encoder: Intensity, images: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Return the tick at which each input fires, int16 (n, inputs), ``NEVER`` for none.

    :param images: uint8 (n, ...), each of the image shape.
    :raises InputError: the images are of another type or shape, or an input can fire more than
        once.
    """
    return encoder.tick_of[intensities(encoder, images)]


def image_encoder(encoder: Encoder) -> Intensity:
    """Return the encoder of a network that takes images.

    :raises InputError: it takes something else.
    """
    if not isinstance(encoder, Intensity):
        raise InputError("encoder: takes events, and images are wanted here; take --events.")
    return encoder
