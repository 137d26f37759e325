"""A trainable layer of the window code: weights, normalisation and the grid they are exported on.

Potentials are in thresholds: a neuron's activation is its potential rounded down, from 0 to M. In
the first part of training (batch statistics) the weights are rounded on the layer's grid and sums
are normalised per channel over the batch. The gain of the normalisation belongs to the weights
(1.0 is the threshold T), so that a layer has one T whatever its channels do. Once the layer is
settled, statistics and T are constants, and its potential is the machine's, (start + sum of integer
weights times activations) / T, exactly as long as sums stay below 2^24 (float32).

Weights of 1 bit are -1 and +1: nothing can be multiplied into them. There all channels of a layer
share one gain, which becomes T alone.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from train.connections import Connection
from train.quantize import choose_threshold, round_weight

MOMENTUM, EPSILON = 0.05, 1e-5
"""Of the running statistics, and what keeps a variance above 0."""

SIGN_RANGE = 1.5
"""Real weights of 1 bit get no gradient outwards beyond this."""

LEAST_GAIN = 1e-3
"""The least gain of a channel, of the largest in its layer, by which weights are divided."""

HIDDEN_SPREAD, OUTPUT_SPREAD = 0.25, 3.0
"""Standard deviation of potentials at the start: of hidden layers, in M + 1; of outputs."""


class _Activation(Function):
    @staticmethod
    def forward(ctx: Any, potential: Tensor, window: int) -> Tensor:
        ctx.save_for_backward((potential > 0) & (potential < window + 1))
        return potential.floor().clamp_(0, window)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return gradients[0] * inside, None


def activation(potential: Tensor, window: int) -> Tensor:
    """Return potentials, in thresholds, rounded down and clipped to 0 .. ``window``; the gradient
    is 1 where nothing was clipped.
    """
    return _Activation.apply(potential, window)  # type: ignore[no-any-return]


def rounded(value: Tensor) -> Tensor:
    """Return the nearest integers, halves to even; the gradient is 1."""
    return value + (value.round() - value).detach()


class WindowLayer(nn.Module):
    """One layer.

    :param connection: its sizes.
    :param bits: of its weights.
    :param window: M, its largest activation; 0: an output layer, whose potentials are read.
    :param generator: of the first weights.

    What is trained: ``weight``; ``gain`` and ``offset``, the standard deviation and the mean of
    potentials, per channel. What is counted: ``mean`` and ``variance`` of the sums of a channel,
    the threshold, and whether the layer is settled.
    """

    weight: Tensor
    mean: Tensor
    variance: Tensor
    threshold: Tensor
    settled: Tensor

    def __init__(
        self, connection: Connection, bits: int, window: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.connection, self.bits, self.window = connection, bits, window

        # sums of the first weights have a deviation of about 1; the normalisation does the rest
        drawn = torch.randn(connection.weight_shape, generator=generator)
        self.weight = nn.Parameter(drawn / math.sqrt(connection.weights_per_neuron))

        channels = connection.channels_out
        spread = HIDDEN_SPREAD * (window + 1) if window else OUTPUT_SPREAD
        self.gain = nn.Parameter(torch.full((1 if bits == 1 else channels,), spread))
        self.offset = nn.Parameter(torch.full((channels,), 0.5 if window else 0.0))

        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("threshold", torch.tensor(1))
        self.register_buffer("settled", torch.tensor(False))

    def forward(self, activations: Tensor) -> Tensor:
        """Return the potentials (batch, neurons), in thresholds, for activations (batch, fan_in) of
        the layer before.
        """
        if not self.settled:
            return self._normalised(self.sums(activations))
        weight, start = self.machine_weight(), rounded(self.machine_start())
        return self._per_channel(self.connection.apply(activations, weight), start)

    def sums(self, activations: Tensor) -> Tensor:
        """Return the sums (batch, neurons) that are normalised, of weights on the layer's grid."""
        if self.bits == 1:
            return self.connection.apply(activations, self.machine_weight())

        # what the machine adds up, with the gain taken out again: it comes back by normalisation
        factor = self._factor().detach()
        least = LEAST_GAIN * factor.abs().max()
        factor = torch.where(factor.abs() < least, least, factor)
        integers = round_weight(self.weight * factor, int(self.threshold), self.bits)
        return self.connection.apply(activations, integers / (factor * self.threshold))

    def _normalised(self, sums: Tensor) -> Tensor:
        """Return potentials from sums, by the statistics of this batch."""
        channels = sums.view(-1, self.connection.channels_out)
        if self.bits > 1:
            normal = functional.batch_norm(
                channels,
                self.mean,
                self.variance,
                self.gain,
                self.offset,
                self.training,
                MOMENTUM,
                EPSILON,
            )
            return normal.view_as(sums)

        mean = channels.mean(dim=0)
        centred = channels - mean
        variance = centred.square().mean(dim=0)
        with torch.no_grad():
            self.mean.lerp_(mean, MOMENTUM)
            self.variance.lerp_(variance, MOMENTUM)
        factor = self.gain.abs() / (variance.mean() + EPSILON).sqrt()
        return (centred * factor + self.offset).view_as(sums)

    def _per_channel(self, sums: Tensor, start: Tensor) -> Tensor:
        """Return (start + sums) / T."""
        channels = sums.view(-1, self.connection.channels_out)
        return ((channels + start) / self.threshold).view_as(sums)

    def _factor(self) -> Tensor:
        """Return what sums are multiplied by, per channel, from the running statistics."""
        if self.bits == 1:
            return self.gain.abs() / (self.variance.mean() + EPSILON).sqrt()
        return self.gain / (self.variance + EPSILON).sqrt()

    def machine_weight(self) -> Tensor:
        """Return the integer weights, as floats; real weights get their gradient."""
        if self.bits > 1:
            return round_weight(self.weight * self._factor(), int(self.threshold), self.bits)
        limited = self.weight.clamp(-SIGN_RANGE, SIGN_RANGE)
        signs = torch.where(self.weight < 0, -1.0, 1.0)
        return limited + (signs - limited).detach()

    def machine_start(self) -> Tensor:
        """Return what a potential starts from, per channel, in state units, not yet rounded."""
        if self.bits == 1:
            return self.offset * self.threshold - self.mean
        return (self.offset - self._factor() * self.mean) * self.threshold

    @torch.no_grad()
    def choose_threshold(self) -> None:
        """Fit the integer threshold to the current weights and statistics."""
        if self.bits == 1:
            threshold = max(1, round(1 / max(float(self._factor()), EPSILON)))
        else:
            threshold = choose_threshold(self.weight * self._factor(), self.bits)
        self.threshold.fill_(threshold)

    @torch.no_grad()
    def settle(self, mean: Tensor, variance: Tensor) -> None:
        """Take these statistics of sums, per channel, for good: from now on the layer computes on
        the machine's integers.
        """
        self.mean.copy_(mean)
        self.variance.copy_(variance)
        self.choose_threshold()
        self.settled.fill_(True)
