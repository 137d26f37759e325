"""Everything that decides what a training run of the window code computes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sim.encoders.intensity import NEVER, Intensity
from sim.errors import InputError
from train.settings import (
    GEOMETRY,
    NamedSettings,
    check_all_pixels,
    check_code,
    check_geometry,
    check_ranges,
    each_geometry,
    option,
    ticks_of,
)

MAX_WINDOW = 15
MAX_BITS = 8

AT_LEAST_1 = ("window", "epochs", "batch")
ABOVE_0 = ("learning_rate", "gradient_limit")
AT_LEAST_0 = ("inputs", "seed", "warp", "spike_cost")
SHARES = ("mirror", "smoothing", "settled")
"""Settings in 0..1."""


@dataclass(frozen=True)
class WindowSettings(NamedSettings):
    """A training run of the window code; the defaults are a dense network for MNIST.

    The network; convolutions come first, then dense layers:

    :param dataset: a name of :data:`sim.data.dataset.SOURCES`.
    :param seed: of weights, order and warps.
    :param maps: output channels of the convolutions.
    :param kernel: of the convolutions, height and width; one number or one each.
    :param stride: of the convolutions, likewise.
    :param padding: of the convolutions, likewise.
    :param hidden: sizes of the dense hidden layers.
    :param window: M, the largest activation: ticks in a layer's window.
    :param bits: of the weights, one number or one per layer; 1: only -1 and +1.
    :param pool: 1, or 2 to replace each 2 x 2 pixels by their mean.
    :param bright: descending; intensities above the first fire at the first of ``bright_ticks``,
        others above the second at the second, and so on; all others never fire.
    :param bright_ticks: as many as ``bright``; empty: 0, 1, 2 ...
    :param inputs: budget of input pixels, chosen half way on training images; 0: all.
    :param max_silent_intensity: once training is over, intensities up to this never fire; 0: as
        trained.

    How it is trained:

    :param epochs: times each image is seen.
    :param batch: images per step, fewer of little data.
    :param learning_rate: of Adam, cosine to zero.
    :param warp: strength of the augmentation, 0: none.
    :param mirror: share of the images that are mirrored, left to right.
    :param smoothing: share of the label that is spread over all classes.
    :param gradient_limit: longer gradients are scaled back to this norm.
    :param spike_cost: of 1,000 weights that hidden spikes look up.
    :param settled: share of training, its last part, on the machine's own integers.

    :raises InputError: one of them is out of range.
    """

    dataset: str = "mnist"
    seed: int = 1
    maps: tuple[int, ...] = ()
    kernel: tuple[int, ...] = (5,)
    stride: tuple[int, ...] = (2,)
    padding: tuple[int, ...] = (0,)
    hidden: tuple[int, ...] = (140,)
    window: int = 7
    bits: tuple[int, ...] = (8,)
    pool: int = 1
    bright: tuple[int, ...] = (127,)
    bright_ticks: tuple[int, ...] = ()
    inputs: int = 0
    max_silent_intensity: int = 0
    epochs: int = 12
    batch: int = 128
    learning_rate: float = 4e-3
    warp: float = 0.7
    mirror: float = 0.0
    smoothing: float = 0.0
    gradient_limit: float = 10.0
    spike_cost: float = 3e-3
    settled: float = 0.25

    neuron: ClassVar[str] = "window"
    """What ``--neuron`` calls these settings."""

    def __post_init__(self) -> None:
        check_ranges(vars(self), AT_LEAST_1, AT_LEAST_0, ABOVE_0, SHARES)
        if self.window > MAX_WINDOW:
            raise InputError(f"--window: must be in 1..{MAX_WINDOW}, not {self.window}.")
        self._check_layers()
        self._check_code()

    def _check_layers(self) -> None:
        for key in ("maps", "hidden"):
            if any(size < 1 for size in getattr(self, key)):
                raise InputError(f"{option(key)}: must be at least 1 in every layer.")
        check_geometry(len(self.maps), {key: getattr(self, key) for key in GEOMETRY})
        check_all_pixels(self.maps, self.inputs)

        for bits in self.bits:
            if not 1 <= bits <= MAX_BITS:
                raise InputError(
                    f"--bits: {bits} is not possible; give 1 to {MAX_BITS}, one or per layer."
                )
        if len(self.bits) not in (1, self._layers()):
            raise InputError(
                f"--bits: give one number, or {self._layers()} (per layer), not {len(self.bits)}."
            )

    def _check_code(self) -> None:
        check_code(self.pool, self.bright, self._ticks(), self.max_silent_intensity)
        if not all(0 <= tick <= MAX_WINDOW for tick in self._ticks()):
            raise InputError(f"--bright-ticks: must be in 0..{MAX_WINDOW}.")

        # what inputs are worth is counted from the last tick at which any of them fires
        table = self._spike_tick()
        highest = max(np.flatnonzero(table == table.max()).tolist()) - 1
        if self.max_silent_intensity > highest:
            raise InputError(
                f"--max-silent-intensity: {self.max_silent_intensity} silences all that fires at "
                f"the last input tick; take {highest} or less."
            )

    def _layers(self) -> int:
        """Return the number of layers."""
        return len(self.maps) + len(self.hidden) + 1

    def _ticks(self) -> tuple[int, ...]:
        """Return the tick of each threshold of ``bright``."""
        return self.bright_ticks or tuple(range(len(self.bright)))

    def _spike_tick(self) -> npt.NDArray[np.int16]:
        """Return the tick at which each intensity fires."""
        return ticks_of(self.bright, self._ticks(), NEVER)

    def geometry(self) -> list[tuple[int, int, int]]:
        """Return kernel, stride and padding of each convolution."""
        return each_geometry(len(self.maps), {key: getattr(self, key) for key in GEOMETRY})

    def encoder(self, height: int, width: int) -> Intensity:
        """Return the encoder that uses all pixels of an image."""
        pixels = np.arange(height * width // self.pool**2, dtype=np.int32)
        return Intensity((height, width), self.pool, pixels, self._spike_tick())

    def layer_bits(self) -> tuple[int, ...]:
        """Return the weight bits of every layer."""
        return self.bits * self._layers() if len(self.bits) == 1 else self.bits


GREY = (168, 112, 56)
"""Three levels for images of 14 x 14 means."""

CLOTHES = (207, 175, 143, 111, 79, 47, 15)
"""Seven levels: 3 bits."""

WINDOW_PRESETS = {
    "dense": WindowSettings(hidden=(320,), pool=2, bright=GREY, epochs=16),
    "dense-frugal": WindowSettings(hidden=(100,), pool=2, bright=GREY, epochs=16),
    "convolution": WindowSettings(maps=(16, 32), hidden=(), epochs=16, spike_cost=2e-3),
    "clothes": WindowSettings(
        dataset="fashion-mnist",
        maps=(16, 48),
        kernel=(4, 3),
        padding=(1,),
        hidden=(),
        bright=CLOTHES,
        epochs=18,
        warp=0.1,
        mirror=0.5,
        spike_cost=4e-4,
    ),
}
"""Recipes by name."""
