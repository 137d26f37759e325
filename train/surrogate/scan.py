"""A layer of leaky neurons through all ticks of a batch, forwards and backwards, compiled.

Forwards it is :class:`sim.neuron.Neurons`: with ``whole`` numbers every state is the machine's
integer, exact in float32 below 2^24; without, it is what training begins with, where nothing is
rounded. Backwards potentials are in thresholds, and a spike has the derivative of
:data:`SURROGATES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from sim.compiled import inner, jit
from sim.neuron import HOLDS, Neuron

RESETS = {"never": 0, "once": 1, "zero": 2, "subtract": 3}
"""Numbers of the resets in compiled code."""

SURROGATES: Mapping[str, int] = {"fast-sigmoid": 0, "arctan": 1}
"""Derivatives of a spike by the potential u, in thresholds from the level, and their numbers in
compiled code: 1 / (1 + slope abs(u))^2 (Zenke & Ganguli 2018), 1 / pi / (1 + (pi u)^2) (Fang et
al. 2021).
"""


@dataclass(frozen=True)
class Slope:
    """How a spike is differentiated.

    :param surrogate: a name of :data:`SURROGATES`.
    :param slope: of the fast sigmoid, above 0.
    :param through_reset: whether what a spike takes from its neuron has a gradient too.
    """

    surrogate: str = "fast-sigmoid"
    slope: float = 10.0
    through_reset: bool = False


def run_layer(inflow: Tensor, neuron: Neuron, whole: bool, slope: Slope) -> tuple[Tensor, Tensor]:
    """Return the potentials, in thresholds, and the spikes, both (batch, ticks, neurons).

    :param inflow: (batch, ticks, neurons), what is delivered at each tick, in state units.
    :param neuron: what the neurons are; no ramp, no window.
    :param whole: the inflow is integers, and every leak rounds towards zero.
    """
    return cast(tuple[Tensor, Tensor], _Scan.apply(inflow, neuron, whole, slope))


class _Scan(Function):
    @staticmethod
    def forward(
        ctx: Any, inflow: Tensor, neuron: Neuron, whole: bool, slope: Slope
    ) -> tuple[Tensor, Tensor]:
        given = np.ascontiguousarray(inflow.detach().numpy())
        potential, spikes = np.empty_like(given), np.empty_like(given)
        forwards(
            given,
            float(neuron.threshold),
            neuron.membrane,
            neuron.synapse,
            RESETS[neuron.reset],
            neuron.limit,
            whole,
            potential,
            spikes,
        )
        found = torch.from_numpy(potential), torch.from_numpy(spikes)
        ctx.save_for_backward(*found)
        ctx.neuron, ctx.slope = neuron, slope
        return found[0] / neuron.threshold, found[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (potential, spikes), neuron, slope = ctx.saved_tensors, ctx.neuron, ctx.slope
        of_potential, of_spikes = (np.ascontiguousarray(each.numpy()) for each in gradients)
        result = np.empty_like(of_potential)
        backwards(
            potential.numpy(),
            spikes.numpy(),
            of_potential,
            of_spikes,
            float(neuron.threshold),
            neuron.membrane / HOLDS,
            neuron.synapse / HOLDS,
            RESETS[neuron.reset],
            SURROGATES[slope.surrogate],
            slope.slope,
            slope.through_reset,
            result,
        )
        return torch.from_numpy(result) / neuron.threshold, None, None, None


@jit(nogil=True)
def forwards(
    inflow: Any,
    threshold: Any,
    membrane: Any,
    synapse: Any,
    reset: Any,
    limit: Any,
    whole: Any,
    potential: Any,
    spikes: Any,
) -> None:
    """Write potentials, before a reset, and spikes, both (batch, ticks, neurons)."""
    count, ticks, neurons = inflow.shape
    keep, keep_current = membrane / 256, synapse / 256
    for sample in range(count):
        state, current = np.zeros(neurons), np.zeros(neurons)
        number = np.zeros(neurons, np.int64)
        for tick in range(ticks):
            for neuron in range(neurons):
                # advance: leak, integrate, and what a spike takes
                if tick > 0:
                    left = state[neuron] * keep
                    held = current[neuron] * keep_current
                    state[neuron] = (np.trunc(left) if whole else left) + current[neuron]
                    current[neuron] = np.trunc(held) if whole else held
                    if reset == 3 and spikes[sample, tick - 1, neuron] > 0:
                        state[neuron] -= threshold
                potential[sample, tick, neuron] = state[neuron]

                # fire
                allowed = reset > 1 or (reset == 1 and number[neuron] == 0)
                allowed = allowed and (limit == 0 or number[neuron] < limit)
                fires = allowed and state[neuron] >= threshold
                spikes[sample, tick, neuron] = fires
                number[neuron] += fires
                if reset == 2 and fires:
                    state[neuron] = 0

                # deliver
                current[neuron] += inflow[sample, tick, neuron]


@inner
def _derivative(away: Any, surrogate: Any, slope: Any) -> Any:
    """Return the derivative of a spike, ``away`` thresholds from the level."""
    if surrogate == 0:
        return 1.0 / (1.0 + slope * abs(away)) ** 2
    return 1.0 / np.pi / (1.0 + (np.pi * away) ** 2)


@jit(nogil=True)
def backwards(
    potential: Any,
    spikes: Any,
    of_potential: Any,
    of_spikes: Any,
    threshold: Any,
    keep: Any,
    keep_current: Any,
    reset: Any,
    surrogate: Any,
    slope: Any,
    through_reset: Any,
    result: Any,
) -> None:
    """Write the gradient of the inflow, (batch, ticks, neurons), per threshold."""
    count, ticks, neurons = potential.shape
    for sample in range(count):
        # of the potential that the next advance gives, and of the current before it
        after, current = np.zeros(neurons), np.zeros(neurons)
        spent = np.zeros(neurons)
        for neuron in range(neurons):
            for tick in range(ticks):
                spent[neuron] += spikes[sample, tick, neuron]

        for tick in range(ticks - 1, -1, -1):
            for neuron in range(neurons):
                current[neuron] = after[neuron] + keep_current * current[neuron]
                result[sample, tick, neuron] = current[neuron]

                fired = spikes[sample, tick, neuron]
                spent[neuron] -= fired
                u = potential[sample, tick, neuron] / threshold
                through = of_spikes[sample, tick, neuron]
                if through_reset and reset == 2:
                    through -= keep * after[neuron] * u
                elif through_reset and reset == 3:
                    through -= after[neuron]

                # a neuron that fires once has no spike after its first
                step = 0.0
                if reset > 1 or (reset == 1 and spent[neuron] == 0):
                    step = _derivative(u - 1.0, surrogate, slope)

                kept = keep * after[neuron]
                if reset == 2 and fired > 0:
                    kept = 0.0
                after[neuron] = of_potential[sample, tick, neuron] + kept + through * step
