"""Everything that decides what a training run computes: the same settings and seed give the same
network.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.encoders.intensity import INTENSITIES, NEVER, Intensity
from sim.errors import InputError

MAX_BITS = 8
MIN_BITS = 2

ADDED = {"faint", "alive_share", "expected_spikes", "wake_share"}
"""Settings that came after the first networks were trained; their defaults leave those as they are.
"""


@dataclass(frozen=True)
class Settings:
    """A training run; the defaults are the recipe of the 784-600-10 network.

    Network: ``hidden`` layer sizes; ``bits`` of the weights, one or per layer, empty for real
    weights and continuous times; the tick grid; ``pool`` 1 or 2; intensities above ``bright``
    (descending) fire at ``bright_ticks``, all others at ``dark_tick`` (-1: never); ``inputs`` is a
    budget of pixels, 0 for all. Once training is over, intensities up to ``faint`` never fire:
    fewer weights are read.

    Training: at the start ``alive_share`` of the hidden neurons fire, and outputs wait for some
    ``expected_spikes`` of them; in the first half, neurons that fire on a smaller share of images
    than ``wake_share`` are woken, 0 for none. ``epochs`` of ``batch`` images, Adam at
    ``learning_rate`` (later layers ``output_rate`` times that), cosine to zero; ``warp`` scales the
    augmentation; ``input_noise`` is the chance that an input spike is lost; gradients longer than
    ``gradient_limit`` are scaled back to it; ``floor`` as in :mod:`train.exact.layer`.

    Loss: as in :mod:`train.exact.loss`; ``margin``, ``softness`` and ``deadline`` are in units of z
    (``ticks_per_unit``).

    :raises InputError: one of them is out of range.
    """

    dataset: str = "mnist"
    seed: int = 1
    hidden: tuple[int, ...] = (600,)
    bits: tuple[int, ...] = (8,)
    ticks_per_unit: int = 8
    last_tick: int = 24
    pool: int = 1
    bright: tuple[int, ...] = (127,)
    bright_ticks: tuple[int, ...] = (0,)
    dark_tick: int = NEVER
    inputs: int = 0
    faint: int = 0
    alive_share: float = 0.1
    expected_spikes: int = 40
    wake_share: float = 0.0
    epochs: int = 40
    batch: int = 128
    learning_rate: float = 4e-3
    output_rate: float = 2.0
    warp: float = 0.7
    input_noise: float = 0.0
    gradient_limit: float = 10.0
    floor: float = 0.3
    sharpness: float = 4.0
    margin: float = 0.1
    spike_cost: float = 7e-4
    softness: float = 0.1
    late_cost: float = 0.2
    deadline: float = 1.0
    alive_cost: float = 0.0

    def __post_init__(self) -> None:
        positive = (
            "ticks_per_unit",
            "last_tick",
            "epochs",
            "batch",
            "learning_rate",
            "output_rate",
            "sharpness",
        )
        for key in (*positive, "softness", "gradient_limit", "expected_spikes"):
            if not getattr(self, key) > 0:
                raise InputError(f"--{_option(key)}: must be above 0, not {getattr(self, key)}.")
        for key in (
            "warp",
            "floor",
            "margin",
            "spike_cost",
            "late_cost",
            "deadline",
            "alive_cost",
            "inputs",
            "seed",
        ):
            if not getattr(self, key) >= 0:
                raise InputError(
                    f"--{_option(key)}: must not be negative, and is {getattr(self, key)}."
                )
        for bits in self.bits:
            if not MIN_BITS <= bits <= MAX_BITS:
                raise InputError(
                    f"--bits: {bits} is not possible; give {MIN_BITS} to {MAX_BITS}, one or per layer."
                )
        if len(self.bits) not in (0, 1, len(self.hidden) + 1):
            raise InputError(
                f"--bits: give one number, or {len(self.hidden) + 1} (per layer), not {len(self.bits)}."
            )
        if any(size < 1 for size in self.hidden):
            raise InputError("--hidden: every layer needs at least one neuron.")
        if not 0 <= self.input_noise < 1:
            raise InputError(
                f"--input-noise: must be at least 0 and below 1, not {self.input_noise}."
            )
        for key in ("alive_share", "wake_share"):
            if not 0 <= getattr(self, key) <= 1:
                raise InputError(f"--{_option(key)}: must be in 0..1, not {getattr(self, key)}.")
        self._check_code()

    def _check_code(self) -> None:
        if self.pool not in (1, 2):
            raise InputError(f"--pool: must be 1 or 2, not {self.pool}.")
        if not self.bright or len(self.bright) != len(self.bright_ticks):
            raise InputError(
                "--bright and --bright-ticks: give as many ticks as thresholds, at least one."
            )
        if (
            sorted(self.bright, reverse=True) != list(self.bright)
            or not 0 <= min(self.bright) <= max(self.bright) < 255
        ):
            raise InputError(
                f"--bright: must be descending and in 0..254, not {list(self.bright)}."
            )
        if not all(0 <= tick <= self.last_tick for tick in self.bright_ticks):
            raise InputError(f"--bright-ticks: must be in 0..{self.last_tick} (--last-tick).")
        if not 0 <= self.faint < INTENSITIES:
            raise InputError(f"--faint: must be in 0..{INTENSITIES - 1}, not {self.faint}.")
        if not NEVER <= self.dark_tick <= self.last_tick:
            raise InputError(f"--dark-tick: must be in {NEVER}..{self.last_tick} (--last-tick).")

    def encoder(self, height: int, width: int) -> Intensity:
        """Return the encoder that uses all pixels of an image."""
        spike_tick = np.full(INTENSITIES, self.dark_tick, np.int16)
        for threshold, tick in reversed(list(zip(self.bright, self.bright_ticks, strict=True))):
            spike_tick[threshold + 1 :] = tick
        pixels = np.arange(height * width // self.pool**2, dtype=np.int32)
        return Intensity((height, width), self.pool, pixels, spike_tick)

    def layer_bits(self) -> tuple[int, ...] | None:
        """Return the weight bits of every layer, or None for real weights."""
        if len(self.bits) == 1:
            return self.bits * (len(self.hidden) + 1)
        return self.bits or None

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON; :meth:`from_json` reads them back."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Settings":
        """Read what :meth:`to_json` returned.

        A key of :data:`ADDED` may be missing: the run is older than the key.

        :raises InputError: an unknown or missing key.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for key in known ^ (set(values) | ADDED):
            raise InputError(f"settings: key {key!r} does not fit this version; train again.")
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**fields)


def _option(key: str) -> str:
    return key.replace("_", "-")


PRESETS = {
    "prototype": Settings(),
    "frugal": Settings(hidden=(180,), spike_cost=2e-4, warp=0.4, epochs=30),
    "float": Settings(hidden=(800,), bits=(), input_noise=0.05, spike_cost=1e-4, epochs=15),
}
"""Recipes by name."""
