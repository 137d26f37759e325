"""Spike times of a layer in closed form, with exact gradients (Mostafa 2017), and silent neurons.

Times are in ticks and continuous here; ``inf`` is a neuron that stays silent. With z = 1 + t / R
the reference neuron fires at z = sum_C(w z) / (sum_C(w) - 1). On a weight scale where the integer T
stands for 1.0 that is

    t = (sum_C(w t_i) + T R) / (sum_C(w) - T),      C = the inputs that came before t,

which holds for real weights (T = 1) and for integer ones alike: a potential that reaches zero at
``t`` is the integer machine's, which fires at the first whole tick from there on. Gradients, with D
= sum_C(w) - T:

    dt/dw_i = (t_i - t) / D,        dt/dt_i = w_i / D,        both zero outside C.

With reset ``subtract`` the n-th spike is where the sum reaches n T z: n T stands in place of T. On
the grid of ticks it comes at least a tick after the spike before.

Of an output layer with a moving horizon (:class:`Horizon` with a ``margin``) the horizon is treated
as a constant, though it moves with the first output spike: gradients of late outputs are then not
those of finite differences, and differ by factors. With ``margin`` infinite they are exact.

Near D = 0 gradients have no bound; ``floor`` limits them by using max(D, floor * T) instead (0
keeps them exact).
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from train.exact.causal import Events, causes, sort_spikes
from train.exact.causal import gradients as causal_gradients


@dataclass(frozen=True)
class ExactNeuron:
    """What the neurons of one layer share.

    :param threshold: T, what stands for 1.0 on the scale of the weights; 1 for real weights.
    :param ticks_per_unit: R.
    :param floor: smallest D, in units of T, that gradients are divided by.
    """

    threshold: int = 1
    ticks_per_unit: int = 1
    floor: float = 0.0

    def level(self, number: int) -> "ExactNeuron":
        """Return the neuron that fires when this one, with reset ``subtract``, fires for the
        ``number``-th time.
        """
        return replace(self, threshold=number * self.threshold)

    @property
    def start(self) -> int:
        """T R: how far below zero a potential starts."""
        return self.threshold * self.ticks_per_unit


@dataclass(frozen=True, eq=False)
class Times:
    """When neurons fire, in ticks, ``inf`` for silent.

    :param hidden: of each hidden layer, (batch, neurons).
    :param output: (batch, classes).
    """

    hidden: list[Tensor]
    output: Tensor


class _InputLayer(Function):
    """Spike times of a layer whose inputs come at a few distinct ticks: one matrix product per
    tick, no sort.
    """

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, neuron: ExactNeuron, ticks: tuple[int, ...], *spikes: Tensor
    ) -> Tensor:
        """Weight (fan_in, fan_out), spikes per tick (batch, fan_in) of 0 and 1 -> times (batch,
        fan_out).
        """
        # D = sum_C(w) - T, and sum_C(w t) + T R: the spike is at their quotient
        slope, rise = weight.new_full((), -neuron.threshold), weight.new_full((), neuron.start)
        time = weight.new_full((len(spikes[0]), weight.shape[1]), math.inf)
        divisor = torch.ones_like(time)

        # index of the last causal tick, -1 for silent
        last = torch.full_like(time, -1, dtype=torch.int16)

        for index, (tick, now) in enumerate(zip(ticks, spikes, strict=True)):
            current = now @ weight
            slope, rise = slope + current, rise + current * tick

            # a neuron fires where the quotient is no later than the next tick, for the first time
            until = ticks[index + 1] if index + 1 < len(ticks) else math.inf
            fires = (last < 0) & (slope > 0) & (rise <= slope * until)
            time = torch.where(fires, rise / slope, time)
            divisor = torch.where(fires, slope, divisor)
            last.masked_fill_(fires, index)

        ctx.save_for_backward(time, divisor, last, *spikes)
        ctx.neuron, ctx.ticks = neuron, ticks
        return time

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Exact gradient of the weights up to the floor; spikes are data and have none."""
        time, divisor, last, *spikes = ctx.saved_tensors
        share = gradients[0] / divisor.clamp_min(ctx.neuron.floor * ctx.neuron.threshold)

        # dt/dw_i = (t_i - t) / D, for the neurons whose last causal tick is not before this one
        total = None
        for index, (tick, now) in enumerate(zip(ctx.ticks, spikes, strict=True)):
            part = now.t() @ ((tick - time) * share).masked_fill_(last < index, 0.0)
            total = part if total is None else total + part
        return total, None, None, *(None for _ in spikes)


def input_layer(
    weight: Tensor, neuron: ExactNeuron, ticks: tuple[int, ...], spikes: list[Tensor]
) -> Tensor:
    """Return the times (batch, fan_out), continuous, ``inf`` for silent, of neurons fed by input
    spikes.

    :param weight: (fan_in, fan_out), on the scale of ``neuron.threshold``.
    :param ticks: the distinct ticks at which inputs fire, ascending.
    :param spikes: one (batch, fan_in) tensor of 0 and 1 per tick, of the weights' type.
    """
    return _InputLayer.apply(weight, neuron, ticks, *spikes)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Horizon:
    """How far outputs are followed: ``margin`` ticks past the first spike of an image, at most
    ``last_tick``.

    An output silent at that horizon h gets the time h - V(h) / T * ``stretch``: later, the lower
    its potential V. Order is kept, a timeout's winner (highest potential) stays first, and silent
    outputs have a gradient. The horizon itself has none.
    """

    last_tick: float
    margin: float = math.inf
    stretch: float = 1.0


class _SpikingLayer(Function):
    """Spike times of a layer fed by spikes at any time: sort, sum up, take the first interval that
    contains its spike.
    """

    @staticmethod
    def forward(
        ctx: Any,
        time: Tensor,
        weight: Tensor,
        neuron: ExactNeuron,
        horizon: Horizon | None,
        earliest: Tensor | None,
    ) -> Tensor:
        """Times (batch, fan_in), weight (fan_in, fan_out) -> times (batch, fan_out)."""
        events = sort_spikes(time)
        found = causes(events, weight, neuron.threshold, neuron.start, earliest)
        last, divisor = found.last, found.slope

        silent = last < 0
        result = (found.rise / divisor).masked_fill(silent, math.inf)

        held = None
        if earliest is not None:
            # where the potential has reached zero before, the time is the earliest one itself
            cause = events.time.gather(1, last.clamp_min(0).to(torch.int64))
            held = ~silent & (cause < earliest) & (divisor * earliest >= found.rise)
            result = torch.where(held, earliest, result)
            last, divisor = last.masked_fill(held, -1), divisor.masked_fill(held, 1.0)

        # the reference is the t of dt/dw_i = (t_i - t) / D; silent neurons have no causal events
        reference = result.masked_fill(last < 0, 0.0)

        if horizon is not None:
            limit = (result.amin(dim=1, keepdim=True) + horizon.margin).clamp_max(horizon.last_tick)
            fired = result <= limit

            # a late output has the sums of all events before the horizon
            before = time < limit
            last = torch.where(fired, last, before.sum(dim=1, keepdim=True) - 1).to(torch.int32)
            slope = before.to(weight.dtype) @ weight - neuron.threshold
            rise = time.masked_fill(~before, 0.0) @ weight + neuron.start

            # its potential at the horizon h is V = D h - rise, its time h - V / T * stretch
            scale = neuron.threshold / horizon.stretch
            result = torch.where(fired, result, limit + (rise - slope * limit) / scale)
            divisor = torch.where(fired, divisor, scale)
            reference = torch.where(fired, result, limit)

        ctx.save_for_backward(events.time, events.neuron, weight, last, divisor, reference)
        ctx.neuron, ctx.held = neuron, held
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Exact gradients of times and weights up to the floor, and of the earliest times."""
        time, index, weight, last, divisor, reference = ctx.saved_tensors
        share = gradients[0] / divisor.clamp_min(ctx.neuron.floor * ctx.neuron.threshold)
        events = Events(time, index)
        waited = None if ctx.held is None else gradients[0].masked_fill(~ctx.held, 0.0)
        return *causal_gradients(events, weight, last, share, reference), None, None, waited


def spiking_layer(
    time: Tensor,
    weight: Tensor,
    neuron: ExactNeuron,
    horizon: Horizon | None = None,
    earliest: Tensor | None = None,
) -> Tensor:
    """Return the times (batch, fan_out), continuous, of neurons fed by spikes at times (batch,
    fan_in).

    :param time: in ticks, ``inf`` for silent.
    :param weight: (fan_in, fan_out), on the scale of ``neuron.threshold``.
    :param horizon: for an output layer; without it neurons that never fire have time ``inf`` and no
        gradient.
    :param earliest: (batch, fan_out), the ticks from which on they may fire, ``inf`` for never;
        inputs fire at whole ticks, too.
    """
    return _SpikingLayer.apply(  # type: ignore[no-any-return]
        time, weight, neuron, horizon, earliest
    )


class _NextTick(Function):
    @staticmethod
    def forward(ctx: Any, time: Tensor, last_tick: int) -> Tensor:
        tick = time.ceil()
        return tick.masked_fill_(tick > last_tick, math.inf)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return gradients[0], None


def next_tick(time: Tensor, last_tick: int) -> Tensor:
    """Round times up to whole ticks, ``inf`` after ``last_tick``; gradients pass unchanged."""
    return _NextTick.apply(time, last_tick)  # type: ignore[no-any-return]
