"""Which sorted spikes made each neuron of a layer fire, their sums, and gradients through them.

A layer is followed spike by spike, with one pair of running sums per neuron: memory is that of its
inputs and outputs, never spikes times neurons. Compiled on the CPU, where one thread takes a few
milliseconds for a batch; in tensors elsewhere, a few neurons at a time. Both give the same answers
up to the order in which real numbers are added; integers are exact.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sim.compiled import jit

ELEMENTS = 2**24
"""Elements of the largest tensor (batch, spikes, neurons) made at a time, where nothing is
compiled.
"""


@dataclass(frozen=True)
class Events:
    """The spikes of every image of a batch, sorted by time and padded to the busiest image.

    :param time: (batch, most), ``inf`` where an image has fewer.
    :param neuron: int64 (batch, most), who fired; 0 where padded.
    """

    time: Tensor
    neuron: Tensor


@dataclass(frozen=True)
class Causes:
    """What made the neurons of a layer fire; a silent neuron has the sums before any event.

    :param last: int32 (batch, fan_out), index of the last causal event, -1 for silent.
    :param slope: (batch, fan_out), D = sum_C(w) - T.
    :param rise: (batch, fan_out), sum_C(w t) + T R.
    """

    last: Tensor
    slope: Tensor
    rise: Tensor


def sort_spikes(time: Tensor) -> Events:
    """Sort the finite entries of times (batch, neurons); with few active neurons far cheaper than
    sorting all.
    """
    active = time < math.inf
    count = active.sum(dim=1)
    most = max(int(count.max()), 1)

    # pack the spikes of each image to the front of its row
    image, neuron = active.nonzero(as_tuple=True)
    first = count.cumsum(0) - count
    index = image * most + torch.arange(len(image), device=time.device) - first[image]
    times = time.new_full((len(time) * most,), math.inf)
    times[index] = time[image, neuron]

    neurons = torch.zeros_like(times, dtype=torch.int64)
    neurons[index] = neuron

    ordered, order = times.view(-1, most).sort(dim=1)
    return Events(ordered, neurons.view(-1, most).gather(1, order))


def causes(
    events: Events, weight: Tensor, threshold: int, start: int, earliest: Tensor | None = None
) -> Causes:
    """Return what makes each neuron fire: the events up to the first whose quotient rise / slope is
    no later than the next event.

    :param weight: (fan_in, fan_out), on the scale of the threshold.
    :param threshold: T.
    :param start: T R.
    :param earliest: (batch, fan_out), the tick from which on each neuron may fire, ``inf`` for
        never; then it also fires at that tick if its potential is not below zero there.
    """
    shape = (len(events.time), weight.shape[1])
    last = torch.full(shape, -1, dtype=torch.int32, device=weight.device)
    slope, rise = weight.new_full(shape, -threshold), weight.new_full(shape, start)

    if is_compiled(weight.device):
        begin = None if earliest is None else earliest.contiguous().numpy()
        _find(*_arrays(events.time, events.neuron, weight, last, slope, rise), begin)
        return Causes(last, slope, rise)
    for part in _parts(events, shape[1]):
        begin = None if earliest is None else earliest[:, part]
        found = _tensor_causes(events, weight[:, part], threshold, start, begin)
        last[:, part], slope[:, part], rise[:, part] = found.last, found.slope, found.rise
    return Causes(last, slope, rise)


def gradients(
    events: Events, weight: Tensor, last: Tensor, share: Tensor, reference: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of the times (batch, fan_in) that were sorted, and of the weights.

    :param last: int32 (batch, fan_out), the last event that counts for each neuron, -1 for none.
    :param share: (batch, fan_out), the gradient of each neuron's time, divided by its D.
    :param reference: (batch, fan_out), the t of dt/dw_i = (t_i - t) / D; dt/dt_i is w_i / D.
    """
    time = weight.new_zeros((len(events.time), len(weight)))
    total = torch.zeros_like(weight)

    if is_compiled(weight.device):
        _add_times(*_arrays(events.neuron, weight, last, share, time))
        _add_weights(*_arrays(events.time, events.neuron, last, share, reference, total))
        return time, total
    for part in _parts(events, weight.shape[1]):
        fields = (each[:, part] for each in (weight, last, share, reference))
        of_times, of_weights = _tensor_gradients(events, *fields)
        time += of_times
        total[:, part] = of_weights
    return time, total


def is_compiled(device: torch.device) -> bool:
    """Return whether sums on a device are those of compiled loops; else they are tensors', whose
    last digits may differ.
    """
    return device.type == "cpu"


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


@jit(nogil=True)
def _find(
    time: Any, neuron: Any, weight: Any, last: Any, slope: Any, rise: Any, earliest: Any
) -> None:
    """Fill ``last``; ``slope`` and ``rise`` hold the sums before any event, and keep those of
    neurons that stay silent.

    numba compiles one form without ``earliest`` (None) and one with it.
    """
    batch, most = time.shape
    fan_out = weight.shape[1]

    for image in range(batch):
        row_last, row_slope, row_rise = last[image], slope[image], rise[image]
        sum_slope, sum_rise = row_slope.copy(), row_rise.copy()
        silent = fan_out

        for event in range(most):
            now = time[image, event]
            if silent == 0 or now == np.inf:
                break
            row = weight[neuron[image, event]]
            for index in range(fan_out):
                sum_slope[index] += row[index]
                sum_rise[index] += row[index] * now

            # of simultaneous events only the last can be the last cause
            until = time[image, event + 1] if event + 1 < most else np.inf
            if until == now:
                continue

            # without branches, so that several neurons are compared at a time; inf * 0 is no spike
            for index in range(fan_out):
                total, above = sum_slope[index], sum_rise[index]
                fires = (row_last[index] < 0) & (total > 0) & (total * until >= above)
                if earliest is not None:
                    begin = earliest[image, index]
                    held = (row_last[index] < 0) & (begin > now) & (total * begin >= above)
                    fires = (fires | held) & (begin <= until) & (begin < np.inf)
                row_last[index] = event if fires else row_last[index]
                row_slope[index] = total if fires else row_slope[index]
                row_rise[index] = above if fires else row_rise[index]
                silent -= fires


@jit(nogil=True, fastmath={"reassoc", "nsz", "contract"})
def _add_times(neuron: Any, weight: Any, last: Any, share: Any, gradient: Any) -> None:
    """Set the gradient of every time: sum of share * w over the neurons that it helped to fire."""
    batch, fan_out = last.shape
    zero = weight.dtype.type(0)

    for image in range(batch):
        row_last, row_share = last[image], share[image]
        for event in range(row_last.max() + 1):
            source = neuron[image, event]
            row = weight[source]
            total = zero
            for index in range(fan_out):
                total += row_share[index] * row[index] if event <= row_last[index] else zero
            gradient[image, source] = total


@jit(nogil=True, fastmath={"reassoc", "nsz", "contract"})
def _add_weights(
    time: Any, neuron: Any, last: Any, share: Any, reference: Any, gradient: Any
) -> None:
    """Add share * (t_i - t) to the gradient of every weight whose input helped its neuron."""
    batch, fan_out = last.shape
    zero = share.dtype.type(0)

    for image in range(batch):
        row_last, row_share, row_reference = last[image], share[image], reference[image]
        for event in range(row_last.max() + 1):
            now = time[image, event]
            row = gradient[neuron[image, event]]
            for index in range(fan_out):
                part = row_share[index] * (now - row_reference[index])
                row[index] += part if event <= row_last[index] else zero


def _parts(events: Events, fan_out: int) -> Iterator[slice]:
    """Cut a layer's neurons so that no tensor has more than :data:`ELEMENTS` elements."""
    step = max(1, ELEMENTS // events.time.numel())
    yield from (slice(first, first + step) for first in range(0, fan_out, step))


def _rows(events: Events, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights (batch, most, fan_out) that each event adds, and its time (batch, most);
    padded events add nothing, at time 0 (0 times inf is nan).
    """
    real = events.time < math.inf
    rows = functional.embedding(events.neuron, weight) * real.unsqueeze(2)
    return rows, events.time.masked_fill(~real, 0.0)


def _tensor_causes(
    events: Events, weight: Tensor, threshold: int, start: int, earliest: Tensor | None = None
) -> Causes:
    """Do what :func:`causes` does, for a part of a layer: sum up, then choose."""
    most = events.time.shape[1]
    rows, when = _rows(events, weight)
    slope = rows.cumsum(dim=1).sub_(threshold)
    rise = (rows * when.unsqueeze(2)).cumsum(dim=1).add_(start)

    # compared without a division; of simultaneous events only the last counts
    until = functional.pad(events.time[:, 1:], (0, 1), value=math.inf)
    meets = slope * until.clamp_max(torch.finfo(until.dtype).max).unsqueeze(2) >= rise
    fires = meets & (slope > 0)
    if earliest is not None:
        begin = earliest.unsqueeze(1)
        held = (begin > events.time.unsqueeze(2)) & (slope * begin >= rise)
        fires = (fires | held) & (begin <= until.unsqueeze(2)) & (begin < math.inf)
    fires &= (events.time < until).unsqueeze(2)
    order = torch.arange(most, device=until.device).view(1, most, 1)
    last = torch.where(fires, order, most).amin(dim=1)

    silent = last == most
    index = last.masked_fill(silent, 0).unsqueeze(1)
    return Causes(
        last.masked_fill(silent, -1).to(torch.int32),
        slope.gather(1, index).squeeze(1).masked_fill(silent, -threshold),
        rise.gather(1, index).squeeze(1).masked_fill(silent, start),
    )


def _tensor_gradients(
    events: Events, weight: Tensor, last: Tensor, share: Tensor, reference: Tensor
) -> tuple[Tensor, Tensor]:
    """Do what :func:`gradients` does, for a part of a layer."""
    rows, when = _rows(events, weight)
    order = torch.arange(rows.shape[1], device=rows.device).view(1, -1, 1)
    causal = torch.where(order <= last.unsqueeze(1), share.unsqueeze(1), 0.0)

    time = rows.new_zeros((len(rows), len(weight)))
    time.scatter_add_(1, events.neuron, (causal * rows).sum(dim=2))
    by_event = causal * (when.unsqueeze(2) - reference.unsqueeze(1))
    total = torch.zeros_like(weight)
    total.index_add_(0, events.neuron.flatten(), by_event.flatten(0, 1))
    return time, total
