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

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from sim.compiled import jit
from train.exact.causal import sort_spikes
from train.exact.layer import ExactNeuron


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
            (size + 2 * padding - extent) // stride + 1
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
        height, width, channels = self.output
        return height * width * channels

    def sizes(self) -> tuple[int, ...]:
        """Return what compiled loops need: width and channels of the input, height of the kernel,
        height, width and channels of the output, stride, padding.
        """
        return (*self.input[1:], self.kernel[0], *self.output, self.stride, self.padding)

    def packing(self) -> np.ndarray:
        """Return which column of the kernel is where in packed weights, (stride, taps), -1 for
        none.

        A spike is in every stride-th column of the kernels of one row of positions: in column
        ``phase`` of the last one, and the farther right the earlier the position.
        """
        taps = -(-self.kernel[1] // self.stride)
        column = np.arange(self.stride)[:, None] + self.stride * np.arange(taps)[::-1]
        return np.where(column < self.kernel[1], column, -1)


class _Convolution(Function):
    @staticmethod
    def forward(
        ctx: Any, time: Tensor, weight: Tensor, geometry: Geometry, neuron: ExactNeuron
    ) -> Tensor:
        """Times (batch, fan_in), weight (channels_in, kh, kw, channels_out) -> times (batch,
        fan_out).
        """
        events = sort_spikes(time)
        packed = _pack(_array(weight), geometry)
        shape = len(time), geometry.fan_out
        divisor, result = np.empty(shape, packed.dtype), np.empty(shape, packed.dtype)
        begin = np.array([-neuron.threshold, neuron.start], packed.dtype)
        _fire(
            _array(events.time),
            _array(events.neuron),
            packed,
            geometry.sizes(),
            begin,
            divisor,
            result,
        )

        ctx.saved = events, packed, divisor, result
        ctx.layer, ctx.shapes = (geometry, neuron), (time.shape, weight.shape)
        return torch.from_numpy(result).to(time.device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Exact gradients of times and weights up to the floor."""
        events, packed, divisor, reference = ctx.saved
        geometry, neuron = ctx.layer
        by_time, by_packed = np.zeros(ctx.shapes[0], packed.dtype), np.zeros_like(packed)
        _collect(
            *(_array(events.time), _array(events.neuron), packed, geometry.sizes()),
            *(_array(gradients[0]), reference, divisor),
            *(packed.dtype.type(neuron.floor * neuron.threshold), ctx.needs_input_grad[0]),
            *(by_time, by_packed),
        )
        found = by_time, _unpack(by_packed, geometry)
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


def _pack(weight: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return the weights (channels_in, kh, stride, taps * channels_out) side by side, as a row of
    positions sees them.
    """
    packing = geometry.packing()
    packed = weight[:, :, packing] * (packing >= 0)[:, :, None]
    return packed.astype(weight.dtype).reshape(*weight.shape[:2], geometry.stride, -1)


def _unpack(packed: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Return packed gradients as those of the weights (channels_in, kh, kw, channels_out)."""
    packing = geometry.packing()
    phase, tap = np.nonzero(packing >= 0)
    split = packed.reshape(*packed.shape[:2], *packing.shape, -1)
    weight = np.empty((*packed.shape[:2], geometry.kernel[1], split.shape[-1]), packed.dtype)
    weight[:, :, packing[phase, tap]] = split[:, :, phase, tap]
    return weight


@jit(nogil=True)
def _rows(source: Any, sizes: Any) -> Any:
    """Return the first row of positions that covers a spike, the first after the last, and the row
    of the spike in the padded map.
    """
    width, channels, kernel, down, _, _, stride, padding = sizes
    row = source // channels // width + padding
    return max(0, (row - kernel + stride) // stride), min(down, row // stride + 1), row


@jit(nogil=True)
def _columns(source: Any, sizes: Any, length: Any) -> Any:
    """Return what a spike meets in every row of positions: the first one, the first after the
    last, and which phase and where in it their packed weights begin.

    :param length: of a phase, taps * channels_out.
    """
    width, channels, _, _, across, channels_out, stride, padding = sizes
    column = source // channels % width + padding
    taps = length // channels_out

    # the last tap belongs to the position where the spike is in column ``phase`` of the kernel
    left = column // stride - taps + 1
    first, after = max(0, left), min(across, column // stride + 1)
    return first, after, column % stride, (first - left) * channels_out


@jit(nogil=True)
def _fire(
    time: Any, source: Any, packed: Any, sizes: Any, begin: Any, slope: Any, rise: Any
) -> None:
    """Fill slope (batch, fan_out) with the D of each neuron, and rise with its time.

    :param begin: -T and T R, the sums before any spike.
    """
    for image in range(len(time)):
        slope[image, :] = begin[0]
        rise[image, :] = begin[1]
        for event in range(time.shape[1]):
            when = time[image, event]
            if when == np.inf:
                break
            _meet(source[image, event], when, packed, sizes, slope[image], rise[image])
        _finish(slope[image], rise[image])


@jit(nogil=True)
def _meet(source: Any, when: Any, packed: Any, sizes: Any, slope: Any, rise: Any) -> None:
    """Add one spike to all positions that it meets."""
    channels, across, channels_out, stride = sizes[1], sizes[4], sizes[5], sizes[6]
    top, bottom, row = _rows(source, sizes)
    left, right, phase, offset = _columns(source, sizes, packed.shape[3])
    length = (right - left) * channels_out
    if length <= 0:
        return

    for y in range(top, bottom):
        words = packed[source % channels, row - y * stride, phase]
        at = (y * across + left) * channels_out
        weight = words[offset : offset + length]
        _add(when, weight, slope[at : at + length], rise[at : at + length])


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
    source: Any,
    packed: Any,
    sizes: Any,
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
    latest = np.empty(sizes[3] * sizes[4], gradient.dtype)
    for image in range(len(time)):
        _share(gradient[image], reference[image], divisor[image], floor, share, latest)
        end = latest.max()
        for event in range(time.shape[1]):
            when, neuron = time[image, event], source[image, event]
            if when >= end:
                break
            by_time[image, neuron] = _learn(
                *(neuron, when, packed, sizes, share, reference[image], latest),
                *(needs_time, by_packed),
            )


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
def _learn(
    source: Any,
    when: Any,
    packed: Any,
    sizes: Any,
    share: Any,
    reference: Any,
    latest: Any,
    needs_time: Any,
    by_packed: Any,
) -> Any:
    """Add what one spike does to the gradients of the weights it looked up; return the gradient of
    its time.
    """
    channels, across, channels_out, stride = sizes[1], sizes[4], sizes[5], sizes[6]
    top, bottom, row = _rows(source, sizes)
    left, right, phase, offset = _columns(source, sizes, packed.shape[3])

    total = when * 0
    for y in range(top, bottom):
        # positions at both ends that fired before
        first, after = left, right
        while first < after and when >= latest[y * across + first]:
            first += 1
        while first < after and when >= latest[y * across + after - 1]:
            after -= 1

        at, length = (y * across + first) * channels_out, (after - first) * channels_out
        begin = offset + (first - left) * channels_out
        here = share[at : at + length], reference[at : at + length]
        line = source % channels, row - y * stride, phase
        _learn_weights(when, *here, by_packed[line][begin : begin + length])
        if needs_time:
            total += _learn_time(when, *here, packed[line][begin : begin + length])
    return total


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
