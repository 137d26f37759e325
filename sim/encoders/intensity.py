"""Images to input spikes: pooling, the choice of pixels, and the tick of each intensity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from sim.errors import InputError, check_keys, checked_array, is_integer, require
from sim.neuron import Spike

INTENSITIES = 256
"""Number of intensities of a pixel (uint8)."""

NEVER = -1
"""The tick of a pixel that does not fire."""


@dataclass(frozen=True, eq=False)
class Intensity:
    """How an image becomes input spikes: each pixel fires once at most, at its intensity's tick.

    :param image_shape: (height, width) or (height, width, channels) of an image of uint8
        intensities.
    :param pool: 1, or 2 to replace each 2x2 square by its sum divided by 4 (integer division).
    :param pixels: int32 (inputs,), strictly increasing flat indices into the (pooled) image; pixel
        i feeds input i.
    :param spike_tick: int16 (256,), the tick at which an input of that intensity fires, -1 for
        never.
    :raises InputError: one of them is out of range.
    """

    image_shape: tuple[int, ...]
    pool: int
    pixels: npt.NDArray[np.int32]
    spike_tick: npt.NDArray[np.int16]

    def __post_init__(self) -> None:
        self._check_shape()
        pixels = checked_array(self.pixels, np.int32, 1, "encoder.pixels")
        spike_tick = checked_array(self.spike_tick, np.int16, 1, "encoder.spike_tick")

        require(pixels.size > 0, "encoder.pixels", "at least one pixel must be used")
        require(bool((np.diff(pixels) > 0).all()), "encoder.pixels", "must be strictly increasing")
        available = math.prod(self.map)
        inside = pixels[0] >= 0 and pixels[-1] < available
        require(inside, "encoder.pixels", f"must be in 0..{available - 1}")

        key = "encoder.spike_tick"
        require(spike_tick.size == INTENSITIES, key, f"must have {INTENSITIES} entries")
        require(bool((spike_tick >= NEVER).all()), key, "must be a tick, or -1 for never")
        fires = bool((spike_tick >= 0).any())
        require(fires, key, "no intensity ever fires; give one a tick >= 0")

        object.__setattr__(self, "image_shape", tuple(int(size) for size in self.image_shape))
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "spike_tick", spike_tick)

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
    def first_tick(self) -> int:
        """The earliest tick at which any input can fire."""
        return int(self.spike_tick[self.spike_tick >= 0].min())

    @property
    def last_tick(self) -> int:
        """The latest tick at which any input can fire."""
        return int(self.spike_tick.max())

    @property
    def fires_once(self) -> bool:
        """Whether an input spikes at most once in a sample."""
        return True

    def settings(self) -> dict[str, Any]:
        """Return the scalars of the encoder under their names in a network's file, for JSON."""
        return {"image_shape": self.image_shape, "pool": self.pool}

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the encoder under their names in a network's file."""
        return {"encoder.pixels": self.pixels, "encoder.spike_tick": self.spike_tick}

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
        pixels, spike_tick = (tensors.pop(f"encoder.{key}") for key in ("pixels", "spike_tick"))
        return cls(tuple(shape), found["pool"], pixels, spike_tick)

    def spikes(self, image: npt.NDArray[Any]) -> list[Spike]:
        """Return the input spikes of one image, by tick, then by input.

        :param image: uint8, of the image shape.
        :raises InputError: it is of another type or shape.
        """
        ticks = encode(self, image[np.newaxis])[0].tolist()
        return sorted(Spike(tick, index) for index, tick in enumerate(ticks) if tick != NEVER)

    def count(self, images: npt.NDArray[Any]) -> int:
        """Return the number of images.

        :param images: uint8 (n, ...), each of the image shape.
        :raises InputError: they are of another type or shape.
        """
        return len(check_images(self, images))

    def prepare(self, images: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Return what the compiled form reads: the pooled intensities, uint8 (n, pixels).

        :param images: uint8 (n, ...), each of the image shape.
        :raises InputError: they are of another type or shape.
        """
        return pool_images(check_images(self, images), self.pool).reshape(len(images), -1)

    def compiled(self) -> "CompiledIntensity":
        """Return the compiled form."""
        return CompiledIntensity(self.pixels, self.spike_tick)


class CompiledIntensity(NamedTuple):
    """:class:`Intensity`, compiled."""

    pixels: npt.NDArray[np.int32]
    spike_tick: npt.NDArray[np.int16]

    @staticmethod
    def spikes_by_tick(encoder: Any, samples: Any, index: Any, last_tick: Any) -> Any:
        """Sort by counting: how many inputs fire at each tick, then where each of them goes."""
        image = samples[index]
        pixels = encoder.pixels
        spike_tick = encoder.spike_tick

        # starts[k + 1] counts the inputs of tick k; summed up, starts[k] is where tick k begins
        starts = np.zeros(last_tick + 2, np.int64)
        for pixel in pixels:
            tick = spike_tick[image[pixel]]
            if tick >= 0:
                starts[tick + 1] += 1
        starts = starts.cumsum()

        # inputs are visited in order, so those of one tick stay sorted by index
        following = starts.copy()
        order = np.empty(starts[-1], np.int64)
        for neuron in range(len(pixels)):
            tick = spike_tick[image[pixels[neuron]]]
            if tick >= 0:
                order[following[tick]] = neuron
                following[tick] += 1
        return order, starts


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


def encode(encoder: Intensity, images: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Return the tick at which each input fires, int16 (n, inputs), ``NEVER`` for none.

    :param images: uint8 (n, ...), each of the image shape.
    :raises InputError: the images are of another type or shape.
    """
    pooled = pool_images(check_images(encoder, images), encoder.pool)
    return encoder.spike_tick[pooled.reshape(len(pooled), -1)[:, encoder.pixels]]
