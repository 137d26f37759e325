"""Images to input spikes: one 0/1 matrix per distinct tick, the form in which an input layer needs
no sort.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sim.encoders.intensity import NEVER, Intensity
from sim.errors import InputError


@dataclass(frozen=True, eq=False)
class InputSpikes:
    """The input spikes of a batch.

    :param ticks: the distinct ticks at which inputs can fire, ascending.
    :param spikes: per tick, (batch, inputs) of 0 and 1.
    """

    ticks: tuple[int, ...]
    spikes: list[Tensor]

    def times(self) -> Tensor:
        """Return the time (batch, inputs) at which each input fires, ``inf`` for never."""
        result = torch.full_like(self.spikes[0], math.inf)
        for tick, now in zip(self.ticks, self.spikes, strict=True):
            result = result.masked_fill(now > 0, tick)
        return result

    def delivered(self, first: Tensor) -> Tensor:
        """Count the spikes, int64 (batch,), delivered before the tick ``first`` (batch,)."""
        counts = [
            now.sum(dim=1) * (tick < first)
            for tick, now in zip(self.ticks, self.spikes, strict=True)
        ]
        return torch.stack(counts).sum(dim=0).to(torch.int64)

    def drop(
        self, probability: float, generator: torch.Generator, count: int, share: slice
    ) -> "InputSpikes":
        """Return a copy in which each spike is lost with the given probability: training noise.

        :param share: which of a batch of ``count`` images these are; the noise of all of them is
            drawn.
        """
        noise = [
            torch.rand((count, part.shape[1]), generator=generator)[share].to(part.device)
            for part in self.spikes
        ]
        kept = [part * (lost >= probability) for part, lost in zip(self.spikes, noise, strict=True)]
        return InputSpikes(self.ticks, kept)


def encode(encoder: Intensity, images: Tensor, dtype: torch.dtype = torch.float32) -> InputSpikes:
    """Encode images uint8 (batch, height, width) as :func:`sim.encoders.intensity.encode` does,
    tick by tick.

    :raises InputError: the images are of another type or shape.
    """
    height, width = encoder.image_shape
    if images.dtype != torch.uint8 or images.shape[1:] != (height, width):
        found = f"{images.dtype} {tuple(images.shape)}"
        raise InputError(
            f"images: must be uint8 (n, {height}, {width}), not {found}; resize or train anew."
        )

    if encoder.pool == 2:
        parts = [
            images[:, row::2, column::2].to(torch.int16) for row in (0, 1) for column in (0, 1)
        ]
        images = (sum(parts[1:], parts[0]) // 4).to(torch.uint8)

    intensity = images.flatten(1)
    if encoder.inputs < intensity.shape[1]:
        intensity = intensity[:, torch.tensor(encoder.pixels, dtype=torch.int64)]

    ticks = sorted({int(tick) for tick in encoder.tick_of} - {NEVER})
    return InputSpikes(
        tuple(ticks), [_fires_at(encoder, tick, intensity).to(dtype) for tick in ticks]
    )


def _fires_at(encoder: Intensity, tick: int, intensity: Tensor) -> Tensor:
    """Where the intensities uint8 fire at this tick, bool; comparisons, as a table look-up per
    pixel is slower.
    """
    fires = torch.zeros_like(intensity, dtype=torch.bool)
    inside = [level for level, when in enumerate(encoder.tick_of) if when == tick]
    starts = [level for level in inside if level - 1 not in inside]
    ends = [level for level in inside if level + 1 not in inside]
    for low, high in zip(starts, ends, strict=True):
        fires |= (intensity >= low) & (intensity <= high)
    return fires
