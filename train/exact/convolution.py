"""Spike times of a convolution in closed form, with exact gradients: spike by spike, compiled.

The mathematics is :mod:`train.exact.layer`'s. A spike of an image meets few positions of the output
map, so a loop over the spikes does a small part of the work of a written out matrix. For each
spike, it visits the positions whose kernel covers it, and adds w to the ``slope`` D = sum_C(w) - T
and w t to the ``rise`` sum_C(w t) + T R of all channels there.

A neuron whose quotient rise / slope is no later than the spike that reaches it fired before: it is
frozen, and takes nothing more. This stays true once it is true, so nobody need remember who fired,
and the loop has no branch. After the last spike every neuron with slope > 0 fires, or has fired, at
rise / slope.

The weights that a spike looks up in one row of positions are packed side by side, in the order of
the positions, so that one loop adds them all.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd import Function

from sim.compiled import jit
from sim.connections.convolution import covering, outputs
from train.exact.layer import ExactNeuron

SPANS = 256
"""Into how many equal spans of time the spikes of an image are sorted first."""


@dataclass(frozen=True)
class Geometry:
    """Where the kernels of a convolution are; the words are
    :class:`sim.connections.convolution.Convolution`'s.

    :param input: (height, width, channels) of the map that feeds it.
    :param kernel: (height, width) of the kernel.
    :param output: (height, width, channels) of the map that is fed.
    :param stride: inputs from one output to the next.
    :param padding: rows and columns of silence at each border.
    """

    input: tuple[int, int, int]
    kernel: tuple[int, int]
    output: tuple[int, int, int]
    stride: int
    padding: int

    @classmethod
    def of(
        cls, input: tuple[int, int, int], weight: tuple[int, ...], stride: int, padding: int
    ) -> "Geometry":
        """Return the geometry of weights of a shape (channels_in, kh, kw, channels_out)."""
        kernel = weight[1], weight[2]
        height, width = (
            outputs(size, extent, stride, padding)
            for size, extent in zip(input, kernel, strict=False)
        )
        return cls(input, kernel, (height, width, weight[3]), stride, padding)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weights, the output channel last."""
        return self.input[2], *self.kernel, self.output[2]

    @property
    def fan_out(self) -> int:
        """Number of neurons that are fed."""
        return math.prod(self.output)

    def packing(self) -> np.ndarray:
        """Return which column of the kernel is where in packed weights, (stride, taps), -1 for
        none.

        A spike is in every stride-th column of the kernels of one row of positions: in column
        ``phase`` of the last one, and the farther right the earlier the position.
        """
        taps = -(-self.kernel[1] // self.stride)
        column = np.arange(self.stride)[:, None] + self.stride * np.arange(taps)[::-1]
        return np.where(column < self.kernel[1], column, -1)


class _Runs(NamedTuple):
    """What a spike of each input adds to: runs of neighbouring positions in a row of the map, one
    source's after the other.

    :param starts: int64 (fan_in + 1,), where the runs of each input begin.
    :param weight: int64, per run, the index of its first weight among the packed ones.
    :param first: int64, per run, its first position.
    :param after: int64, per run, the first position after it.
    """

    starts: npt.NDArray[np.int64]
    weight: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]


@cache
def _runs(geometry: Geometry) -> _Runs:
    _, width, channels = geometry.input
    down, across, channels_out = geometry.output
    (kernel, kernel_width), stride = geometry.kernel, geometry.stride
    taps = geometry.packing().shape[1]

    starts, found = [0], []
    for source in range(math.prod(geometry.input)):
        pixel, plane = divmod(source, channels)
        row, column = (each + geometry.padding for each in divmod(pixel, width))

        # the spike is in column ``phase`` of the kernel of the last position that sees it
        last, phase = divmod(column, stride)
        columns = covering(column, across, kernel_width, stride)
        for y in covering(row, down, kernel, stride) if columns else ():
            line = (plane * kernel + row - y * stride) * stride + phase
            weight = (line * taps + columns.start - (last - taps + 1)) * channels_out
            found.append((weight, y * across + columns.start, y * across + columns.stop))
        starts.append(len(found))

    runs = np.array(found, np.int64).reshape(-1, 3).T
    return _Runs(np.array(starts, np.int64), *(each.copy() for each in runs))


class _Convolution(Function):
    @staticmethod
    def forward(
        ctx: Any, time: Tensor, weight: Tensor, geometry: Geometry, neuron: ExactNeuron
    ) -> Tensor:
        """Times (batch, fan_in), weight (channels_in, kh, kw, channels_out) -> times (batch,
        fan_out).
        """
        spikes = _sorted(_array(time))
        packed = _pack(_array(weight), geometry)
        layer = packed, _runs(geometry), geometry.output[2]

        shape = len(time), geometry.fan_out
        divisor, result = np.empty(shape, packed.dtype), np.empty(shape, packed.dtype)
        begin = np.array([-neuron.threshold, neuron.start], packed.dtype)
        _fire(*spikes, *layer, begin, divisor, result)

        floor = packed.dtype.type(neuron.floor * neuron.threshold)
        ctx.saved = *spikes, *layer
        ctx.result, ctx.geometry, ctx.fan_in = (result, divisor, floor), geometry, time.shape[1]
        return torch.from_numpy(result).to(time.device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Exact gradients of times and weights up to the floor."""
        gradient, packed = _array(gradients[0]), ctx.saved[2]
        by_time = np.zeros((len(gradient), ctx.fan_in), packed.dtype)
        by_packed = np.zeros_like(packed)
        needs_time = ctx.needs_input_grad[0]
        _collect(*ctx.saved, gradient, *ctx.result, needs_time, by_time, by_packed)

        found = by_time, _unpack(by_packed, ctx.geometry)
        device = gradients[0].device
        return (*(torch.from_numpy(each).to(device) for each in found), None, None)


def convolution_layer(
    time: Tensor, weight: Tensor, geometry: Geometry, neuron: ExactNeuron
) -> Tensor:
    """Return the times (batch, fan_out), continuous, ``inf`` for silent, of neurons fed by spikes
    at times (batch, fan_in).

    It computes on the CPU, wherever its tensors are.

    :param time: in ticks, ``inf`` for silent.
    :param weight: (channels_in, kh, kw, channels_out), on the scale of ``neuron.threshold``.
    """
    return _Convolution.apply(time, weight, geometry, neuron)  # type: ignore[no-any-return]


def _array(tensor: Tensor) -> np.ndarray:
    """Return a tensor's values as an array of the CPU."""
    return tensor.detach().cpu().contiguous().numpy()


def _sorted(time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the spikes among times (batch, fan_in) in their order, and who fires, int32; after
    the last spike of an image comes ``inf``.
    """
    shape = len(time), time.shape[1] + 1
    when, neuron = np.empty(shape, time.dtype), np.empty(shape, np.int32)
    for image, row in enumerate(time):
        _sort(row, when[image], neuron[image])
    return when, neuron


def _pack(weight: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return the weights as rows of positions see them, flat (channels_in, kh, stride, taps,
    channels_out).
    """
    packing = geometry.packing()
    packed = weight[:, :, packing] * (packing >= 0)[:, :, None]
    return packed.astype(weight.dtype).reshape(-1)


def _unpack(packed: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return packed gradients as those of the weights (channels_in, kh, kw, channels_out)."""
    packing = geometry.packing()
    phase, tap = np.nonzero(packing >= 0)
    weight = np.empty(geometry.weight_shape, packed.dtype)
    split = packed.reshape(*weight.shape[:2], *packing.shape, -1)
    weight[:, :, packing[phase, tap]] = split[:, :, phase, tap]
    return weight


@jit(nogil=True)
def _sort(time: Any, when: Any, neuron: Any) -> None:
    """Sort by span of time first, then within the spans: linear where spikes are spread out, or at
    few different ticks.
    """
    first, last = np.inf, -np.inf
    for each in time:
        if each < np.inf:
            first, last = min(first, each), max(last, each)
    scale = (SPANS - 1) / (last - first) if first < last else 0.0

    # where each span begins
    begin = np.zeros(SPANS + 1, np.int64)
    for each in time:
        if each < np.inf:
            begin[int((each - first) * scale) + 1] += 1
    for span in range(SPANS):
        begin[span + 1] += begin[span]
    count = begin[SPANS]

    for source in range(len(time)):
        if time[source] < np.inf:
            span = int((time[source] - first) * scale)
            when[begin[span]], neuron[begin[span]] = time[source], source
            begin[span] += 1
    when[count] = np.inf

    # an insertion moves a spike within its span only
    for rank in range(1, count):
        each, source, at = when[rank], neuron[rank], rank
        while at > 0 and when[at - 1] > each:
            when[at], neuron[at] = when[at - 1], neuron[at - 1]
            at -= 1
        when[at], neuron[at] = each, source


@jit(nogil=True)
def _fire(
    time: Any, neuron: Any, packed: Any, runs: Any, channels: Any, begin: Any, slope: Any, rise: Any
) -> None:
    """Fill slope (batch, fan_out) with the D of each neuron, and rise with its time.

    :param time: of the spikes, sorted, and ``neuron``, who fires.
    :param channels: of the layer, neurons at one position.
    :param begin: -T and T R, the sums before any spike.
    """
    for image in range(len(time)):
        slope[image, :] = begin[0]
        rise[image, :] = begin[1]
        for event in range(time.shape[1]):
            when, source = time[image, event], neuron[image, event]
            if when == np.inf:
                break
            for run in range(runs.starts[source], runs.starts[source + 1]):
                here, end = runs.first[run] * channels, runs.after[run] * channels
                weight = packed[runs.weight[run] : runs.weight[run] + end - here]
                _add(when, weight, slope[image, here:end], rise[image, here:end])
        _finish(slope[image], rise[image])


@jit(nogil=True)
def _add(when: Any, weight: Any, slope: Any, rise: Any) -> None:
    """Add a spike's weights to neurons, but for those that fired before."""
    for neuron in range(len(weight)):
        frozen = (slope[neuron] > 0) & (slope[neuron] * when >= rise[neuron])
        more = weight[neuron] * (not frozen)
        slope[neuron] += more
        rise[neuron] += more * when


@jit(nogil=True)
def _finish(slope: Any, rise: Any) -> None:
    """Make of every rise the time of the spike, in place."""
    for neuron in range(len(slope)):
        fires = slope[neuron] > 0
        rise[neuron] = rise[neuron] / slope[neuron] if fires else np.inf


@jit(nogil=True)
def _collect(
    time: Any,
    neuron: Any,
    packed: Any,
    runs: Any,
    channels: Any,
    gradient: Any,
    reference: Any,
    divisor: Any,
    floor: Any,
    needs_time: Any,
    by_time: Any,
    by_packed: Any,
) -> None:
    """Add up the gradients of times and packed weights: dt/dt_i = w_i / D and dt/dw_i = (t_i - t) /
    D.

    :param gradient: of the layer's times, (batch, fan_out).
    :param reference: likewise, t, ``inf`` for silent neurons; spikes before it are causal.
    :param divisor: likewise, D; at least ``floor`` is taken.
    """
    share = np.empty_like(gradient[0])
    latest = np.empty(len(share) // channels, gradient.dtype)
    for image in range(len(time)):
        _share(gradient[image], reference[image], divisor[image], floor, share, latest)
        end = latest.max()
        for event in range(time.shape[1]):
            when, source = time[image, event], neuron[image, event]
            if when >= end:
                break

            total = when * 0
            for run in range(runs.starts[source], runs.starts[source + 1]):
                first, after = _causal(when, latest, runs.first[run], runs.after[run])
                begin = runs.weight[run] + (first - runs.first[run]) * channels
                words = slice(begin, begin + (after - first) * channels)
                here = slice(first * channels, after * channels)

                state = share[here], reference[image, here]
                _learn_weights(when, *state, by_packed[words])
                if needs_time:
                    total += _learn_time(when, *state, packed[words])
            by_time[image, source] = total


@jit(nogil=True)
def _causal(when: Any, latest: Any, first: Any, after: Any) -> Any:
    """Return a run of positions without those at both ends that a spike is too late for."""
    while first < after and when >= latest[first]:
        first += 1
    while first < after and when >= latest[after - 1]:
        after -= 1
    return first, after


@jit(nogil=True)
def _share(
    gradient: Any, reference: Any, divisor: Any, floor: Any, share: Any, latest: Any
) -> None:
    """Divide gradients by D, and find the last reference of each position among the neurons that
    have one, -inf where there is none.
    """
    channels = len(share) // len(latest)
    for at in range(len(latest)):
        latest[at] = -np.inf
        for neuron in range(at * channels, (at + 1) * channels):
            share[neuron] = 0
            if reference[neuron] < np.inf and gradient[neuron] != 0:
                share[neuron] = gradient[neuron] / max(divisor[neuron], floor)
                latest[at] = max(latest[at], reference[neuron])


@jit(nogil=True)
def _learn_weights(when: Any, share: Any, reference: Any, by_weight: Any) -> None:
    for neuron in range(len(share)):
        early = min(when - reference[neuron], when * 0)
        by_weight[neuron] += share[neuron] * early if share[neuron] != 0 else when * 0


@jit(nogil=True, fastmath={"reassoc", "contract"})
def _learn_time(when: Any, share: Any, reference: Any, weight: Any) -> Any:
    total = when * 0
    for neuron in range(len(share)):
        total += share[neuron] * weight[neuron] * (when < reference[neuron])
    return total
