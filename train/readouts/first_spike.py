"""The decision of the integer machine from spike ticks, for whole batches."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from train.exact.layer import Neuron


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the machine answers for a batch; the words are :class:`sim.batch.Decisions`'.

    :param decision: int64 (batch,).
    :param tick: int64 (batch,), of the decision; the last tick when timed out.
    :param timed_out: bool (batch,).
    :param events: int64 (batch, layers), delivered to each layer.
    """

    decision: Tensor
    tick: Tensor
    timed_out: Tensor
    events: Tensor


def first_tick(output: Tensor, last_tick: int) -> Tensor:
    """Return the tick (batch,) of the first output spike from times (batch, classes), ``inf`` when
    timed out.
    """
    first = output.amin(dim=1).ceil()
    return first.masked_fill(first > last_tick, math.inf)


def delivered(time: Tensor, first: Tensor) -> Tensor:
    """Which spikes at times (batch, neurons) are delivered before the decision tick ``first``
    (batch,), bool.
    """
    return (time < first.unsqueeze(1)) & (time < math.inf)


def potentials(time: Tensor, weight: Tensor, neuron: Neuron, tick: Tensor) -> Tensor:
    """Return the potentials (batch, classes) at ``tick`` (batch,) of outputs fed by spikes at ticks
    (batch, fan_in).
    """
    before = time < tick.unsqueeze(1)
    slope = before.to(weight.dtype) @ weight - neuron.threshold
    rise = torch.where(before, time, 0.0) @ weight + neuron.start
    return slope * tick.unsqueeze(1) - rise


def decide(potential: Tensor) -> Tensor:
    """Return the class int64 (batch,) with the highest potential (batch, classes), the lowest index
    of equals.
    """
    return potential.argmax(dim=1)
