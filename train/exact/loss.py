"""What training minimises: the right output first, few spikes before it, and no decision after the
deadline.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from train.exact.layer import Times, next_tick
from train.settings import TrainSettings

TIMEOUT_WEIGHT = 2.0
"""By how much more a unit after the last tick counts as late, per hidden layer after the first."""


def loss(
    times: Times,
    labels: Tensor,
    weights: Iterable[Tensor],
    settings: TrainSettings,
    ramp: float,
    costs: Sequence[Tensor] | None = None,
) -> Tensor:
    """Return the mean loss of a batch with labels int64 (batch,).

    :param weights: of every layer, real.
    :param ramp: 0..1, the share of the spike cost that already counts.
    :param costs: what a spike of each hidden neuron counts, per layer (neurons,); None: 1.

    With times in units of z: cross-entropy of softmax(-sharpness * output times), so that the right
    output fires first; ``late_cost`` for each unit by which it fires after ``deadline`` (before
    dark pixels fire, before the last tick), and several times that for each unit after the last
    tick if there are several hidden layers; ``spike_cost`` for each hidden spike before the
    decision, counted softly so that it has a gradient; ``alive_cost`` for each unit by which the
    weights of a neuron sum to less than 1 (Mostafa's weight-sum cost: such a neuron cannot fire
    however many inputs do).
    """
    output = times.output / settings.ticks_per_unit
    total = functional.cross_entropy(-settings.sharpness * output, labels)
    if settings.late_cost:
        right = output.gather(1, labels.unsqueeze(1))
        total = total + settings.late_cost * _lateness(right, len(times.hidden), settings).mean()
    if settings.spike_cost and ramp and times.hidden:
        total = total + ramp * settings.spike_cost * _early_spikes(times, settings, costs).mean()
    if settings.alive_cost:
        missing = [(1 - weight.flatten(0, -2).sum(dim=0)).clamp_min(0).sum() for weight in weights]
        total = total + settings.alive_cost * torch.stack(missing).sum()
    return total


def _lateness(right: Tensor, hidden_layers: int, settings: TrainSettings) -> Tensor:
    """Return by how many units of z the right outputs (batch, 1) are late.

    Every hidden layer adds its delay, and one that falls silent silences all after it; so a unit
    after the last tick is worth :data:`TIMEOUT_WEIGHT` more for each hidden layer after the first.
    Maps are never all silent.
    """
    late = (right - settings.deadline).clamp_min(0)
    if hidden_layers < 2 or settings.maps:
        return late
    after = (right - settings.last_tick / settings.ticks_per_unit).clamp_min(0)
    return late + TIMEOUT_WEIGHT * (hidden_layers - 1) * after


def _early_spikes(times: Times, settings: TrainSettings, costs: Sequence[Tensor] | None) -> Tensor:
    """Return what hidden spikes before the decision cost, (batch,), counted softly."""
    last_tick = settings.last_tick
    first = next_tick(times.output.detach(), last_tick).amin(dim=1, keepdim=True)
    first = first.clamp_max(last_tick)
    scale = settings.softness * settings.ticks_per_unit
    early = [torch.sigmoid((first - time) / scale) for time in times.hidden]
    if costs is not None:
        early = [each * cost for each, cost in zip(early, costs, strict=True)]
    return torch.stack([each.sum(dim=1) for each in early]).sum(dim=0)


def spike_ramp(progress: float) -> float:
    """Return the share of the spike cost at a progress 0..1 of training: full from a third on."""
    return min(1.0, 3 * progress)


def cosine(progress: float) -> float:
    """Return the share of the learning rate at a progress 0..1 of training, falling from 1 to 0."""
    return (1 + math.cos(math.pi * progress)) / 2
