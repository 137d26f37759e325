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

The weights that a spike looks up in one row of positions are packed side by side, in the order of
the positions, so that one loop adds them all.

A dense layer is a convolution of one position: kernel 1 x 1, as many channels as neurons.
"""

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from sim.compiled import jit
from train.exact.layer import ExactNeuron, Horizon

PARTS = 8
"""In how many parts a batch is computed, by as many threads as torch may use; the sums of gradients
do not depend on how many those are.
"""

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
        """Return what the compiled loops need: width and channels of the input, height of the
        kernel, height, width and channels of the output, stride, padding.
        """
        return (*self.input[1:], self.kernel[0], *self.output, self.stride, self.padding)

    def packing(self) -> np.ndarray:
        """Return which column of the kernel is where in packed weights, (stride, taps), -1 for
        none.

        The row of positions that a spike meets sees it in every stride-th column of the kernel:
        in the column ``phase`` at the last position, and the farther right the earlier the
        position.
        """
        taps = -(-self.kernel[1] // self.stride)
        column = np.arange(self.stride)[:, None] + self.stride * np.arange(taps)[::-1]
        return np.where(column < self.kernel[1], column, -1)


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
        device, layer = time.device, (geometry, neuron)
        spikes = _sort_spikes(_array(time))
        packed = _pack(_array(weight), geometry)

        result, divisor = _times(spikes, packed, *layer)
        reference = result
        if horizon is not None:
            limit = (result.amin(dim=1, keepdim=True) + horizon.margin).clamp_max(horizon.last_tick)
            fired = result <= limit

            # an output that is late has the sums of the spikes before the horizon h; its potential
            # there is V = D h - rise, its time h - V / T * stretch
            slope, rise = _sums(spikes, packed, *layer, limit)
            scale = neuron.threshold / horizon.stretch
            result = torch.where(fired, result, limit + (rise - slope * limit) / scale)
            divisor = torch.where(fired, divisor, scale)
            reference = torch.where(fired, result, limit)

        ctx.saved = spikes, packed, _array(reference), _array(divisor)
        ctx.layer, ctx.device = layer, device
        return result.to(device)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Exact gradients of times and weights up to the floor."""
        spikes, packed, reference, divisor = ctx.saved
        geometry, neuron = ctx.layer
        floor = np.asarray(neuron.floor * neuron.threshold, packed.dtype)[()]

        by_time = np.zeros_like(spikes.time)
        by_packed = np.zeros((PARTS, *packed.shape), packed.dtype)
        with _threads():
            _collect(
                *(spikes, packed, geometry.sizes(), _array(gradients[0]), reference, divisor),
                *(floor, ctx.needs_input_grad[0], by_time, by_packed),
            )

        by_weight = _unpack(by_packed.sum(axis=0), geometry)
        found = torch.from_numpy(by_time), torch.from_numpy(by_weight)
        return (*(each.to(ctx.device) for each in found), None, None, None)


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


class _Spikes(NamedTuple):
    """The spikes of a batch.

    :param time: (batch, fan_in), ``inf`` for silent.
    :param order: int32 (batch, fan_in), who fires, by time and then by index.
    :param count: int32 (batch,), how many fire.
    """

    time: np.ndarray
    order: np.ndarray
    count: np.ndarray


def _array(tensor: Tensor) -> np.ndarray:
    """Return a tensor's values as an array of the CPU."""
    return tensor.detach().cpu().contiguous().numpy()


@contextmanager
def _threads() -> Generator[None]:
    """Let compiled loops use as many threads as torch."""
    before = numba.get_num_threads()
    numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        numba.set_num_threads(before)


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
    weight = np.empty(geometry.weight_shape, packed.dtype)
    split = packed.reshape(*packed.shape[:2], *packing.shape, geometry.channels_out)
    weight[:, :, packing[phase, tap]] = split[:, :, phase, tap]
    return weight


def _sort_spikes(time: np.ndarray) -> _Spikes:
    """Sort the spikes at times (batch, fan_in)."""
    spikes = _Spikes(time, np.empty(time.shape, np.int32), np.empty(len(time), np.int32))
    with _threads():
        _sort_all(spikes)
    return spikes


def _times(
    spikes: _Spikes, packed: np.ndarray, geometry: Geometry, neuron: ExactNeuron
) -> tuple[Tensor, Tensor]:
    """Return when neurons fire, ``inf`` for never, and their D, both (batch, fan_out)."""
    slope, rise = _sums(spikes, packed, geometry, neuron, None)
    return rise, slope


def _sums(
    spikes: _Spikes,
    packed: np.ndarray,
    geometry: Geometry,
    neuron: ExactNeuron,
    limit: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Return D and rise (batch, fan_out) from the spikes before ``limit`` (batch, 1) ticks; a
    neuron that fired keeps those it fired with. Without a limit, return D and the times.
    """
    time = spikes.time
    until = np.full(len(time), np.inf, time.dtype) if limit is None else _array(limit).reshape(-1)
    shape = len(time), geometry.fan_out
    slope, rise = np.empty(shape, time.dtype), np.empty(shape, time.dtype)
    begin = np.array([-neuron.threshold, neuron.start], time.dtype)
    with _threads():
        _deliver(spikes, packed, geometry.sizes(), until, begin, limit is None, slope, rise)
    return torch.from_numpy(slope), torch.from_numpy(rise)


@jit(nogil=True)
def _sort_all(spikes: Any) -> None:
    for image in range(len(spikes.time)):
        spikes.count[image] = _sort_one(spikes.time[image], spikes.order[image])


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
    for rank in range(1, count):
        neuron, at = order[rank], rank
        while at > 0 and time[order[at - 1]] > time[neuron]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = neuron
    return count


@jit(nogil=True)
def _reach(at: Any, kernel: Any, positions: Any, stride: Any, padding: Any) -> Any:
    """Return the first position of a line that covers the input ``at``, and the first after it
    that does not.
    """
    first = max(0, (at + padding - kernel + stride) // stride)
    return first, min(positions, (at + padding) // stride + 1)


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
def _deliver(
    spikes: Any,
    packed: Any,
    sizes: Any,
    until: Any,
    begin: Any,
    finish: Any,
    slope: Any,
    rise: Any,
) -> None:
    """Add up slope and rise (batch, fan_out) from the spikes before ``until``; ``finish``: make
    times of the rises.
    """
    for image in range(len(until)):
        slope[image, :] = begin[0]
        rise[image, :] = begin[1]
        for source in spikes.order[image, : spikes.count[image]]:
            when = spikes.time[image, source]
            if when >= until[image]:
                break
            _meet(source, when, packed, sizes, slope[image], rise[image])
        if finish:
            _finish(slope[image], rise[image])


@jit(nogil=True)
def _meet(source: Any, when: Any, packed: Any, sizes: Any, slope: Any, rise: Any) -> None:
    """Add one spike to all positions that it meets."""
    width, channels, kernel, down, across, channels_out, stride, padding = sizes
    row = source // channels // width
    top, bottom = _reach(row, kernel, down, stride, padding)
    left, right, phase, offset = _columns(source, sizes, packed.shape[3])
    length = (right - left) * channels_out

    for y in range(top, bottom):
        line = packed[source % channels, row + padding - y * stride, phase]
        at = (y * across + left) * channels_out
        weight = line[offset : offset + length]
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
    spikes: Any,
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
    :param reference: likewise, t, ``inf`` for neurons that have no gradient; spikes before it are
        causal.
    :param divisor: likewise, D, at least ``floor``.
    :param by_packed: a sum for each part of the batch.
    """
    for part in range(PARTS):
        share = np.empty_like(gradient[0])
        latest = np.empty(sizes[3] * sizes[4], gradient.dtype)
        for image in range(part, len(gradient), PARTS):
            time = reference[image]
            _share(gradient[image], time, divisor[image], floor, share, latest)
            end = latest.max()
            for source in spikes.order[image, : spikes.count[image]]:
                when = spikes.time[image, source]
                if when >= end:
                    break
                by_time[image, source] = _learn(
                    *(source, when, packed, sizes, share, time, latest),
                    *(needs_time, by_packed[part]),
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
    width, channels, kernel, down, across, channels_out, stride, padding = sizes
    row = source // channels // width
    top, bottom = _reach(row, kernel, down, stride, padding)
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
        line = source % channels, row + padding - y * stride, phase
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
