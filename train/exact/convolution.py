"""Spike times of a convolution in closed form, with exact gradients: spike by spike, in compiled
code.

The mathematics is :mod:`train.exact.layer`'s. A spike of an image meets few positions, and of a
layer's neurons few fire, so a loop over the spikes does a small part of the work of matrices. It
visits the output positions whose kernel covers the spike, and adds w to the ``slope`` D = sum_C(w)
- T and w t to the ``rise`` sum_C(w t) + T R of every channel there.

A neuron whose quotient rise / slope is not after the spike that reaches it fired before: it is
frozen, and takes nothing more. The test stays true once it is true, so nobody remembers who fired,
and a loop over channels has no branch. After the last spike a neuron with slope > 0 fires, or has
fired, at rise / slope.

A dense layer is a convolution of one position: kernel 1 x 1, as many channels as neurons.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from sim.compiled import jit
from train.exact.layer import ExactNeuron, Horizon

BUCKETS = 256
"""Into how many equal spans of time the spikes of an image are sorted first."""


@dataclass(frozen=True)
class Geometry:
    """Which inputs a position of the output sees; the words are
    :class:`sim.connections.convolution.Convolution`'s.

    :param input: height, width and channels of the layer that feeds this one; its neuron (y, x, c)
        has the index (y * width + x) * channels + c, and so here.
    :param kernel: height and width.
    :param channels_out: neurons of a position.
    :param stride: from one position to the next, in inputs.
    :param padding: rows and columns added on every side of the input, in which nothing fires.
    """

    input: tuple[int, int, int]
    kernel: tuple[int, int]
    channels_out: int
    stride: int = 1
    padding: int = 0

    @classmethod
    def dense(cls, fan_in: int, fan_out: int) -> "Geometry":
        """Return the geometry of a dense layer."""
        return cls((1, 1, fan_in), (1, 1), fan_out)

    @property
    def output(self) -> tuple[int, int, int]:
        """Height, width and channels of the layer."""
        height, width = (
            (side + 2 * self.padding - kernel) // self.stride + 1
            for side, kernel in zip(self.input, self.kernel, strict=False)
        )
        return height, width, self.channels_out

    @property
    def positions(self) -> int:
        """Number of output positions."""
        return self.output[0] * self.output[1]

    @property
    def fan_in(self) -> int:
        """Number of neurons that feed the layer."""
        return math.prod(self.input)

    @property
    def fan_out(self) -> int:
        """Number of neurons of the layer."""
        return math.prod(self.output)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Channels in, height and width of the kernel, channels out."""
        return (self.input[2], *self.kernel, self.channels_out)

    @property
    def synapses(self) -> int:
        """Number of weights that a neuron sees."""
        return self.input[2] * math.prod(self.kernel)

    def visits(self) -> Tensor:
        """Return how many positions a spike of each input meets, float (fan_in,)."""
        height, width, channels = self.input
        down, across = (
            _covered(side, kernel, self.stride, self.padding, positions)
            for side, kernel, positions in zip(
                (height, width), self.kernel, self.output[:2], strict=True
            )
        )
        return torch.outer(down, across).flatten().repeat_interleave(channels)

    def sizes(self) -> tuple[int, ...]:
        """Return what the compiled loops need: width and channels of the input, height and width
        of the output, stride, padding.
        """
        return (*self.input[1:], *self.output[:2], self.stride, self.padding)


def _covered(side: int, kernel: int, stride: int, padding: int, positions: int) -> Tensor:
    """Return by how many of a line of positions each of ``side`` inputs is covered, (side,)."""
    first = torch.arange(positions).unsqueeze(1) * stride - padding
    inputs = torch.arange(side)
    return ((inputs >= first) & (inputs < first + kernel)).sum(dim=0).to(torch.float32)


class _Layer(Function):
    """Spike times of a layer fed by spikes at any time, image by image."""

    @staticmethod
    def forward(
        ctx: Any,
        time: Tensor,
        weight: Tensor,
        geometry: Geometry,
        neuron: ExactNeuron,
        horizon: Horizon | None,
    ) -> Tensor:
        """Times (batch, fan_in), weight (channels_in, kh, kw, channels_out) -> times (batch,
        fan_out).
        """
        device = time.device
        sources = _array(time), _array(weight)
        order, count = _sort_spikes(sources[0])
        spikes = sources[0], order, count

        slope, rise = _sums(spikes, sources[1], geometry, neuron, math.inf)
        fired = slope > 0
        result = torch.where(fired, rise / slope, math.inf)
        limit = None

        if horizon is not None:
            # who is silent at the horizon has the sums of the spikes before it
            limit = (result.amin(dim=1, keepdim=True) + horizon.margin).clamp_max(horizon.last_tick)
            slope, rise = _sums(spikes, sources[1], geometry, neuron, limit)
            fired = result <= limit

            # its potential at the horizon h is V = D h - rise, its time h - V / T * stretch
            scale = neuron.threshold / horizon.stretch
            result = torch.where(fired, result, limit + (rise - slope * limit) / scale)
            slope = torch.where(fired, slope, scale)

        # what is causal came before the spike, or before the horizon
        reference = torch.where(fired, result, 0.0 if limit is None else limit)
        ctx.saved = (*spikes, sources[1], reference, slope, fired)
        ctx.layer = geometry, neuron, horizon is not None, device
        return result.to(device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Exact gradients of times and weights up to the floor."""
        time, order, count, weight, reference, divisor, fired = ctx.saved
        geometry, neuron, late, device = ctx.layer

        share = gradients[0].cpu() / divisor.clamp_min(neuron.floor * neuron.threshold)
        if not late:
            share = torch.where(fired, share, 0.0)

        by_time, by_weight = np.zeros_like(time), np.zeros_like(weight)
        positions = len(time), geometry.positions, geometry.channels_out
        _collect(
            *(time, order, count, weight, geometry.sizes()),
            *(_array(share).reshape(positions), _array(reference).reshape(positions)),
            *(ctx.needs_input_grad[0], by_time, by_weight),
        )
        grads = (torch.from_numpy(by_time).to(device), torch.from_numpy(by_weight).to(device))
        return (*grads, None, None, None)


def _array(tensor: Tensor) -> np.ndarray:
    """Return a tensor's values as an array of the CPU."""
    return tensor.detach().cpu().contiguous().numpy()


def _sums(
    spikes: tuple[np.ndarray, np.ndarray, np.ndarray],
    weight: np.ndarray,
    geometry: Geometry,
    neuron: ExactNeuron,
    limit: Tensor | float,
) -> tuple[Tensor, Tensor]:
    """Return D and rise (batch, fan_out) from the spikes before ``limit`` (batch, 1) ticks; a
    neuron that fired keeps those it fired with.
    """
    time = spikes[0]
    until = np.full(len(time), limit, time.dtype) if isinstance(limit, float) else _array(limit)
    shape = len(time), geometry.positions, geometry.channels_out
    slope = np.full(shape, -neuron.threshold, time.dtype)
    rise = np.full(shape, neuron.start, time.dtype)
    _deliver(*spikes, weight, geometry.sizes(), until.reshape(-1), slope, rise)
    flat = len(time), geometry.fan_out
    return torch.from_numpy(slope.reshape(flat)), torch.from_numpy(rise.reshape(flat))


def convolution_layer(
    time: Tensor,
    weight: Tensor,
    geometry: Geometry,
    neuron: ExactNeuron,
    horizon: Horizon | None = None,
) -> Tensor:
    """Return the times (batch, fan_out), continuous, of neurons fed by spikes at times (batch,
    fan_in).

    It computes on the CPU, wherever its tensors are.

    :param time: in ticks, ``inf`` for silent.
    :param weight: (channels_in, kh, kw, channels_out), on the scale of ``neuron.threshold``.
    :param horizon: for an output layer; without it neurons that never fire have time ``inf`` and no
        gradient.
    """
    return _Layer.apply(time, weight, geometry, neuron, horizon)  # type: ignore[no-any-return]


def _sort_spikes(time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return who fires, in order of time, int32 (batch, fan_in), and how many do, int32 (batch,).

    Of spikes at one time the lowest index comes first.
    """
    order, count = np.empty(time.shape, np.int32), np.empty(len(time), np.int32)
    _sort_all(time, order, count)
    return order, count


@jit(nogil=True)
def _sort_all(time: Any, order: Any, count: Any) -> None:
    for image in range(len(time)):
        count[image] = _sort_one(time[image], order[image])


@jit(nogil=True)
def _sort_one(time: Any, order: Any) -> Any:
    """Sort by span of time first, then within the spans: linear where spikes are spread out, or at
    few different ticks.
    """
    first, last = np.inf, -np.inf
    for when in time:
        if when < np.inf:
            first, last = min(first, when), max(last, when)
    if not first < np.inf:
        return 0

    # where each span begins
    scale = (BUCKETS - 1) / (last - first) if last > first else 0.0
    begin = np.zeros(BUCKETS + 1, np.int32)
    for when in time:
        if when < np.inf:
            begin[int((when - first) * scale) + 1] += 1
    for span in range(BUCKETS):
        begin[span + 1] += begin[span]
    count = begin[BUCKETS]

    for neuron in range(len(time)):
        if time[neuron] < np.inf:
            span = int((time[neuron] - first) * scale)
            order[begin[span]] = neuron
            begin[span] += 1

    # insertions move a spike within its span only
    for index in range(1, count):
        neuron, place = order[index], index
        while place > 0 and time[order[place - 1]] > time[neuron]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = neuron
    return count


@jit(nogil=True)
def _reach(at: Any, kernel: Any, positions: Any, stride: Any, padding: Any) -> Any:
    """Return the first position of a line that covers the input ``at``, and the first after it
    that does not.
    """
    first = max(0, (at + padding - kernel + stride) // stride)
    return first, min(positions, (at + padding) // stride + 1)


@jit(nogil=True)
def _deliver(
    time: Any,
    order: Any,
    count: Any,
    weight: Any,
    sizes: Any,
    until: Any,
    slope: Any,
    rise: Any,
) -> None:
    """Add up slope and rise (batch, positions, channels) from the spikes before ``until``."""
    width, channels, down, across, stride, padding = sizes
    for image in range(len(time)):
        for source in order[image, : count[image]]:
            when = time[image, source]
            if when >= until[image]:
                break

            row, column = source // channels // width, source // channels % width
            first, after = _reach(row, weight.shape[1], down, stride, padding)
            left, right = _reach(column, weight.shape[2], across, stride, padding)
            kernels = weight[source % channels]

            for y in range(first, after):
                line = kernels[row + padding - y * stride]
                for x in range(left, right):
                    words = line[column + padding - x * stride]
                    at = y * across + x
                    _add(when, words, slope[image, at], rise[image, at])


@jit(nogil=True)
def _add(when: Any, weight: Any, slope: Any, rise: Any) -> None:
    """Add a spike's weights (channels,) to a position, but for the neurons that fired before."""
    for channel in range(len(weight)):
        frozen = (slope[channel] > 0) & (slope[channel] * when >= rise[channel])
        more = weight[channel] * (not frozen)
        slope[channel] += more
        rise[channel] += more * when


@jit(nogil=True)
def _collect(
    time: Any,
    order: Any,
    count: Any,
    weight: Any,
    sizes: Any,
    share: Any,
    reference: Any,
    needs_time: Any,
    by_time: Any,
    by_weight: Any,
) -> None:
    """Add up the gradients of times and weights: dt/dt_i = w_i / D and dt/dw_i = (t_i - t) / D.

    :param share: (batch, positions, channels), the gradients of the layer's times divided by D; 0
        for neurons that have none.
    :param reference: likewise, t; spikes before it are causal.
    """
    width, channels, down, across, stride, padding = sizes
    for image in range(len(time)):
        latest = _latest(share[image], reference[image])
        end = latest.max()
        for source in order[image, : count[image]]:
            when = time[image, source]
            if when >= end:
                break

            row, column = source // channels // width, source // channels % width
            first, after = _reach(row, weight.shape[1], down, stride, padding)
            left, right = _reach(column, weight.shape[2], across, stride, padding)
            plane = source % channels

            total = by_time[image, source]
            for y in range(first, after):
                ky = row + padding - y * stride
                for x in range(left, right):
                    at = y * across + x
                    if when < latest[at]:
                        kx = column + padding - x * stride
                        part = share[image, at], reference[image, at]
                        _learn(when, *part, by_weight[plane, ky, kx])
                        if needs_time:
                            total += _weigh(when, *part, weight[plane, ky, kx])
            by_time[image, source] = total


@jit(nogil=True)
def _latest(share: Any, reference: Any) -> Any:
    """Return the last reference of each position (positions,) among the neurons with a gradient,
    -inf where there is none.
    """
    latest = np.full(len(share), -np.inf, reference.dtype)
    for at in range(len(share)):
        for channel in range(share.shape[1]):
            if share[at, channel] != 0:
                latest[at] = max(latest[at], reference[at, channel])
    return latest


@jit(nogil=True)
def _learn(when: Any, share: Any, reference: Any, by_weight: Any) -> None:
    """Add what one spike does to the gradients (channels,) of the weights it looked up."""
    for channel in range(len(share)):
        early = min(when - reference[channel], 0)
        by_weight[channel] += share[channel] * early


@jit(nogil=True, fastmath={"reassoc", "contract"})
def _weigh(when: Any, share: Any, reference: Any, weight: Any) -> Any:
    """Return the gradient of one spike's time from the neurons (channels,) of a position."""
    total = weight[0] * 0
    for channel in range(len(share)):
        total += share[channel] * weight[channel] * (when < reference[channel])
    return total
