"""What makes neurons fire, compiled and in tensors, as a search by hand finds it; and gradients
through it.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from train.exact.causal import (
    Causes,
    _parts,
    _tensor_causes,
    _tensor_gradients,
    causes,
    gradients,
    sort_spikes,
)

seeds = st.integers(0, 2**32 - 1)
BATCH, FAN_IN, FAN_OUT = 6, 14, 9
THRESHOLD, START = 40, 160


def random_layer(seed):
    """Times with gaps, every other one whole, so that many are equal; integer weights, so that both
    forms add up to the same bits.
    """
    generator = torch.Generator().manual_seed(seed)
    time = torch.randint(0, 41, (BATCH, FAN_IN), generator=generator, dtype=torch.float64) / 4
    if seed % 2:
        time = time.floor()
    time[torch.rand(BATCH, FAN_IN, generator=generator) < 0.3] = math.inf
    weight = torch.randn(FAN_IN, FAN_OUT, generator=generator, dtype=torch.float64) * 0.6 + 0.15
    return time, (THRESHOLD * weight).round(), generator


def by_hand(times, weights):
    """Return the order of the causal spikes of one neuron, empty for none, and its two sums: the
    first moment between two spikes at which its potential reaches zero.
    """
    order = sorted((time, index) for index, time in enumerate(times) if time < math.inf)
    slope, rise = -THRESHOLD, START
    for last, (time, index) in enumerate(order):
        slope += weights[index]
        rise += weights[index] * time
        until = order[last + 1][0] if last + 1 < len(order) else math.inf
        if slope > 0 and until > time and rise / slope <= until:
            return [index for _, index in order[: last + 1]], slope, rise
    return [], -THRESHOLD, START


def from_tick_on(times, weights, earliest):
    """Return the order of the causal spikes of one neuron that looks at its potential tick by tick,
    and fires at the first from ``earliest`` on at which it is not below zero; empty for none.
    """
    order = sorted((time, index) for index, time in enumerate(times) if time < math.inf)
    for tick in range(int(earliest), 1000) if earliest < math.inf else ():
        before = [index for time, index in order if time < tick]
        potential = sum(weights[index] * (tick - times[index]) for index in before)
        if before and potential - THRESHOLD * tick - START >= 0:
            return before
    return []


def joined(fields):
    return [torch.cat(field, dim=1) for field in zip(*fields, strict=True)]


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_sorting_spikes_is_sorting(seed):
    time, _, _ = random_layer(seed)
    events = sort_spikes(time)
    expected = time.sort(dim=1).values[:, : events.time.shape[1]]
    assert torch.equal(events.time, expected)
    real = events.time < math.inf
    assert torch.equal(time.gather(1, events.neuron)[real], events.time[real])
    assert real.sum() == (time < math.inf).sum()


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_causes_are_those_found_by_hand(seed):
    time, weight, _ = random_layer(seed)
    found = causes(sort_spikes(time), weight, THRESHOLD, START)
    for image in range(BATCH):
        for neuron in range(FAN_OUT):
            causal, slope, rise = by_hand(time[image].tolist(), weight[:, neuron].tolist())
            assert found.last[image, neuron] == len(causal) - 1
            assert found.slope[image, neuron] == slope
            assert found.rise[image, neuron] == rise


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_tensors_find_the_same_causes(seed):
    time, weight, _ = random_layer(seed)
    events = sort_spikes(time)
    compiled = causes(events, weight, THRESHOLD, START)
    tensors = _tensor_causes(events, weight, THRESHOLD, START)
    for key, value in vars(compiled).items():
        assert torch.equal(value, vars(tensors)[key]), key
    assert compiled.last.dtype == tensors.last.dtype


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_neurons_that_must_wait_fire_at_the_first_tick_that_they_may(seed):
    """Inputs fire at whole ticks; the potential may have passed zero long before, and fall."""
    time, weight, generator = random_layer(seed)
    time = time.floor()
    earliest = torch.randint(0, 14, (BATCH, FAN_OUT), generator=generator).double()
    earliest[earliest > 11] = math.inf
    events = sort_spikes(time)
    found = causes(events, weight, THRESHOLD, START, earliest)
    for image in range(BATCH):
        for neuron in range(FAN_OUT):
            causal = from_tick_on(
                time[image].tolist(), weight[:, neuron].tolist(), float(earliest[image, neuron])
            )
            assert found.last[image, neuron] == len(causal) - 1

    tensors = _tensor_causes(events, weight, THRESHOLD, START, earliest)
    for key, value in vars(found).items():
        assert torch.equal(value, vars(tensors)[key]), key


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_gradients_are_sums_over_causes(seed):
    """Of integers, so that the order of adding does not matter."""
    time, weight, generator = random_layer(seed)
    events = sort_spikes(time)
    last = causes(events, weight, THRESHOLD, START).last
    share, reference = torch.randint(-9, 10, (2, BATCH, FAN_OUT), generator=generator).double()

    of_times, of_weights = torch.zeros_like(time), torch.zeros_like(weight)
    for image in range(BATCH):
        for neuron in range(FAN_OUT):
            gradient = share[image, neuron]
            causal, _, _ = by_hand(time[image].tolist(), weight[:, neuron].tolist())
            of_times[image, causal] += gradient * weight[causal, neuron]
            later = time[image, causal] - reference[image, neuron]
            of_weights[causal, neuron] += gradient * later

    # the first form is compiled
    for form in (gradients, _tensor_gradients):
        found = form(events, weight, last, share, reference)
        assert torch.equal(found[0], of_times)
        assert torch.equal(found[1], of_weights)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_silent_neurons_are_untouched(dtype):
    """Whatever their gradient, even none at all."""
    time = torch.tensor([[1.0, 2.0, math.inf]], dtype=dtype)
    weight = torch.full((3, 2), 0.2, dtype=dtype)
    events = sort_spikes(time)
    found = causes(events, weight, 1, 4)
    assert found.last.tolist() == [[-1, -1]]
    assert found.slope.tolist() == [[-1, -1]]
    assert found.rise.tolist() == [[4, 4]]
    share, reference = torch.full((1, 2), math.nan, dtype=dtype), torch.zeros(1, 2, dtype=dtype)
    for form in (gradients, _tensor_gradients):
        for gradient in form(events, weight, found.last, share, reference):
            assert (gradient == 0).all()
            assert gradient.dtype == dtype


def test_a_batch_without_a_spike_has_no_cause():
    events = sort_spikes(torch.full((2, 3), math.inf))
    found = causes(events, torch.ones(3, 2), 1, 4)
    assert (found.last == -1).all()
    assert (_tensor_causes(events, torch.ones(3, 2), 1, 4).last == -1).all()


def test_a_layer_is_cut_into_parts_that_cover_it(monkeypatch):
    """Two neurons at a time: the last part has one."""
    time, weight, _ = random_layer(1)
    events = sort_spikes(time)
    monkeypatch.setattr("train.exact.causal.ELEMENTS", 2 * events.time.numel() + 1)
    parts = list(_parts(events, FAN_OUT))
    assert [len(range(FAN_OUT)[part]) for part in parts] == [2, 2, 2, 2, 1]
    found = joined(
        vars(_tensor_causes(events, weight[:, part], THRESHOLD, START)).values() for part in parts
    )
    expected = causes(events, weight, THRESHOLD, START)
    assert all(torch.equal(*pair) for pair in zip(found, vars(expected).values(), strict=True))
    assert list(vars(Causes(*found))) == ["last", "slope", "rise"]
