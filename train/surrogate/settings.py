"""Everything that decides what a training run of leaky neurons computes."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.encoders.intensity import NEVER, Intensity
from sim.errors import InputError, choose
from sim.neuron import HOLDS, Neuron
from sim.readouts import READOUTS
from sim.readouts.peak import NO_LEVEL
from train.settings import NamedSettings, check_code, check_ranges, option, ticks_of
from train.surrogate.loss import LOSSES, USUAL
from train.surrogate.scan import SURROGATES

MAX_SHIFT = 8
MIN_BITS, MAX_BITS = 2, 8
HIDDEN_RESETS = ("zero", "subtract", "once")

AT_LEAST_1 = ("last_tick", "epochs", "batch")
ABOVE_0 = ("learning_rate", "gradient_limit", "slope", "level_sharpness", "rival_sharpness")
AT_LEAST_0 = ("seed", "warp", "spike_cost")
SHARES = ("real_share",)


@dataclass(frozen=True)
class LeakySettings(NamedSettings):
    """A training run of leaky neurons; the defaults are a network for MNIST, whose first output
    spike is the answer.

    The network:

    :param dataset: a name of :data:`sim.data.dataset.SOURCES`.
    :param seed: of weights, order and warps.
    :param hidden: sizes of the hidden layers.
    :param bits: of the weights, one number or one per layer.
    :param last_tick: K; a sample takes no longer.
    :param pool: 1, or 2 to replace each 2 x 2 pixels by their mean.
    :param bright: descending; intensities above the first fire at the first of ``bright_ticks``,
        others above the second at the second, and so on; all others never fire.
    :param bright_ticks: as many as ``bright``; empty: 0, 1, 2 ...
    :param max_silent_intensity: once training is over, intensities up to this never fire; 0: as
        trained.
    :param leak: s of the hidden layers: in a tick a potential loses 2^-s of itself, s in 1..8; 0:
        nothing.
    :param leak_out: of the outputs, likewise.
    :param synapse: s of the currents of all layers, likewise; 0: there is no current, and what
        comes in is gone a tick later.
    :param reset: of hidden neurons, ``zero``, ``subtract`` or ``once``.
    :param readout: a name of :data:`sim.readouts.READOUTS`.

    How it is trained:

    :param loss: a name of :data:`train.surrogate.loss.LOSSES`; empty: that of the readout.
    :param epochs: times each image is seen.
    :param batch: images per step, fewer of little data.
    :param learning_rate: of Adam, cosine to zero.
    :param warp: strength of the augmentation, 0: none.
    :param gradient_limit: longer gradients are scaled back to this norm.
    :param surrogate: a name of :data:`train.surrogate.scan.SURROGATES`.
    :param slope: of the surrogate.
    :param through_reset: 1: what a spike takes from its neuron has a gradient too.
    :param level_sharpness: of the chance to decide at a tick, per threshold.
    :param rival_sharpness: of the chance to win against the others, per threshold.
    :param spike_cost: of a hidden spike before the decision.
    :param real_share: share of training, its first part, with real weights and leaks that are not
        rounded; the rest is the machine's own integers.

    :raises InputError: one of them is out of range.
    """

    dataset: str = "mnist"
    seed: int = 1
    hidden: tuple[int, ...] = (300,)
    bits: tuple[int, ...] = (8,)
    last_tick: int = 4
    pool: int = 1
    bright: tuple[int, ...] = (127,)
    bright_ticks: tuple[int, ...] = ()
    max_silent_intensity: int = 0
    leak: int = 2
    leak_out: int = 3
    synapse: int = 0
    reset: str = "zero"
    readout: str = "first_spike"
    loss: str = ""
    epochs: int = 24
    batch: int = 128
    learning_rate: float = 4e-3
    warp: float = 0.7
    gradient_limit: float = 10.0
    surrogate: str = "fast-sigmoid"
    slope: float = 5.0
    through_reset: int = 0
    level_sharpness: float = 16.0
    rival_sharpness: float = 8.0
    spike_cost: float = 1e-4
    real_share: float = 0.67

    neuron: ClassVar[str] = "leaky"
    """What ``--neuron`` calls these settings."""

    def __post_init__(self) -> None:
        check_ranges(vars(self), AT_LEAST_1, AT_LEAST_0, ABOVE_0, SHARES)
        if any(size < 1 for size in self.hidden):
            raise InputError("--hidden: must be at least 1 in every layer.")
        for key in ("leak", "leak_out", "synapse"):
            if not 0 <= getattr(self, key) <= MAX_SHIFT:
                raise InputError(
                    f"{option(key)}: must be in 0..{MAX_SHIFT}, not {getattr(self, key)}."
                )
        if self.through_reset not in (0, 1):
            raise InputError(f"--through-reset: must be 0 or 1, not {self.through_reset}.")
        self._check_names()
        self._check_bits()
        check_code(self.pool, self.bright, self._ticks(), self.max_silent_intensity)
        if max(self._ticks()) > self.last_tick:
            raise InputError(
                f"--bright-ticks: must be in 0..{self.last_tick}; raise --last-tick, or lower them."
            )

    def _check_names(self) -> None:
        choose(dict.fromkeys(HIDDEN_RESETS), self.reset, "--reset")
        choose(READOUTS, self.readout, "--readout")
        choose(SURROGATES, self.surrogate, "--surrogate")
        if self.loss:
            choose(LOSSES, self.loss, "--loss")
        counts = self.loss == "counts"
        if counts != (self.readout == "most_spikes") and self.loss:
            raise InputError(
                "--loss: counts is of --readout most_spikes, and that of no other; leave it out."
            )

    def _check_bits(self) -> None:
        layers = len(self.hidden) + 1
        if len(self.bits) not in (1, layers):
            raise InputError(
                f"--bits: give one number, or {layers} (per layer), not {len(self.bits)}."
            )
        for bits in self.bits:
            if not MIN_BITS <= bits <= MAX_BITS:
                raise InputError(
                    f"--bits: {bits} is not possible; "
                    f"give {MIN_BITS} to {MAX_BITS}, one or per layer."
                )

    def _ticks(self) -> tuple[int, ...]:
        """Return the tick of each threshold of ``bright``."""
        return self.bright_ticks or tuple(range(len(self.bright)))

    def encoder(self, height: int, width: int) -> Intensity:
        """Return the encoder that uses all pixels of an image."""
        pixels = np.arange(height * width // self.pool**2, dtype=np.int32)
        spike_tick = ticks_of(self.bright, self._ticks(), NEVER)
        return Intensity((height, width), self.pool, pixels, spike_tick)

    def layer_bits(self) -> tuple[int, ...]:
        """Return the weight bits of every layer."""
        return self.bits * (len(self.hidden) + 1) if len(self.bits) == 1 else self.bits

    def machine_neuron(self, threshold: int, output: bool) -> Neuron:
        """Return what the neurons of a layer are in the machine."""
        kind = READOUTS[self.readout]
        reset = "zero" if output and self.readout == "first_spike" else self.reset
        if output and not kind.fires:
            reset = "never"
        level = NO_LEVEL if output and self.readout == "peak" else threshold
        leak = self.leak_out if output else self.leak
        return Neuron(
            level, left(leak), left(self.synapse) if self.synapse else 0, reset, ramp=False
        )

    def loss_name(self) -> str:
        """Return the name of the loss."""
        return self.loss or USUAL[self.readout]


def left(shift: int) -> int:
    """Return how much is left of a state after a tick, in 256ths; a shift of 0 leaves all."""
    return HOLDS - (HOLDS >> shift) if shift else HOLDS


LEAKY_PRESETS = {
    "leaky": LeakySettings(),
    "leaky-frugal": LeakySettings(hidden=(130,), pool=2),
}
"""Recipes by name."""
