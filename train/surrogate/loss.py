"""What training makes small: one function per loss, and their table.

Potentials are in thresholds. A loss returns, per image, the negative logarithm of the chance that
it gives the right class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Outputs:
    """What the outputs of a batch do.

    :param potential: (batch, ticks, classes), in thresholds.
    :param spikes: (batch, ticks, classes); zeros where outputs do not fire.
    """

    potential: Tensor
    spikes: Tensor


@dataclass(frozen=True)
class Sharpness:
    """How sharp the chances are.

    :param level: of deciding at a tick, per threshold.
    :param rivals: of winning against the others, per threshold.
    """

    level: float
    rivals: float


def first_spike(outputs: Outputs, labels: Tensor, sharpness: Sharpness) -> Tensor:
    """Return the loss of the first spike (batch,).

    The sample is decided at tick t, if not before, with a chance of sigmoid(level (max V(t) - 1));
    the class is then drawn from softmax(rivals V(t)). It needs no surrogate at the outputs.
    """
    end, alive = deciding(outputs.potential, sharpness)
    who = functional.log_softmax(sharpness.rivals * outputs.potential, dim=2)
    right = who.gather(2, labels.view(-1, 1, 1).expand(-1, who.shape[1], 1)).squeeze(2)
    return -torch.logsumexp(alive + end + right, dim=1)


def deciding(potential: Tensor, sharpness: Sharpness) -> tuple[Tensor, Tensor]:
    """Return the logarithms, (batch, ticks) each, of the chance to decide at a tick, and of the
    chance that nothing was decided before; at the last tick it is decided.
    """
    near = sharpness.level * (potential.max(dim=2).values - 1)
    end = functional.logsigmoid(near)
    end = torch.cat([end[:, :-1], torch.zeros_like(end[:, :1])], dim=1)
    later = functional.logsigmoid(-near).cumsum(dim=1)
    return end, torch.cat([torch.zeros_like(later[:, :1]), later[:, :-1]], dim=1)


def peak(outputs: Outputs, labels: Tensor, sharpness: Sharpness) -> Tensor:
    """Return the cross-entropy of the outputs' highest potentials (batch,), as Zenke & Vogels
    (2021), but of a smooth maximum over the ticks: an output that is never above 0 has its highest
    potential at tick 0, where nothing has a gradient.
    """
    highest = torch.logsumexp(sharpness.rivals * outputs.potential, dim=1)
    return functional.cross_entropy(highest, labels, reduction="none")


def end(outputs: Outputs, labels: Tensor, sharpness: Sharpness) -> Tensor:
    """Return the cross-entropy of the potentials at the last tick, (batch,)."""
    last = outputs.potential[:, -1]
    return functional.cross_entropy(sharpness.rivals * last, labels, reduction="none")


def counts(outputs: Outputs, labels: Tensor, sharpness: Sharpness) -> Tensor:
    """Return the cross-entropy of how often each output fires, (batch,)."""
    number = outputs.spikes.sum(dim=1)
    return functional.cross_entropy(number, labels, reduction="none")


def every_tick(outputs: Outputs, labels: Tensor, sharpness: Sharpness) -> Tensor:
    """Return the mean cross-entropy of the potentials at every tick (the tutorial of snnTorch),
    (batch,).
    """
    ticks = outputs.potential.shape[1]
    flat = (sharpness.rivals * outputs.potential).flatten(0, 1)
    each = functional.cross_entropy(flat, labels.repeat_interleave(ticks), reduction="none")
    return each.view(-1, ticks).mean(dim=1)


Loss = Callable[[Outputs, Tensor, Sharpness], Tensor]

LOSSES: Mapping[str, Loss] = {
    "first-spike": first_spike,
    "peak": peak,
    "end": end,
    "counts": counts,
    "every-tick": every_tick,
}
"""The losses by name."""

USUAL: Mapping[str, str] = {
    "first_spike": "first-spike",
    "peak": "peak",
    "final": "end",
    "most_spikes": "counts",
}
"""The loss of each readout, where none is asked for."""
