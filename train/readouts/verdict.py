"""The seat of a readout in training: what it is asked, and what it answers, for whole batches."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the output layer did with a batch.

    :param time: (batch, classes), continuous, when each output fires; ``inf`` for silent.
    :param before: (batch, fan_in), when each neuron that feeds the outputs fires; likewise.
    :param weight: (fan_in, classes), on the scale of the threshold.
    :param threshold: T.
    :param start: T R, how far below zero a potential starts.
    :param last_tick: K.
    :param on_grid: whether decisions fall on whole ticks; a network of real weights decides at
        continuous times.
    """

    time: Tensor
    before: Tensor
    weight: Tensor
    threshold: int
    start: int
    last_tick: int
    on_grid: bool

    def potential(self, tick: Tensor) -> Tensor:
        """Return the potentials (batch, classes) at ``tick`` (batch,)."""
        before = self.before < tick.unsqueeze(1)
        slope = before.to(self.weight.dtype) @ self.weight - self.threshold
        rise = torch.where(before, self.before, 0.0) @ self.weight + self.start
        return slope * tick.unsqueeze(1) - rise


@dataclass(frozen=True, eq=False)
class Verdicts:
    """How the samples of a batch end.

    :param decision: int64 (batch,), class index.
    :param tick: (batch,), when the sample ends; the last tick when timed out.
    :param timed_out: bool (batch,).
    """

    decision: Tensor
    tick: Tensor
    timed_out: Tensor
