"""Spike times in closed form against a slow, obvious reference, and their gradients against finite
differences.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from train.exact.layer import (
    ExactNeuron,
    Horizon,
    input_layer,
    next_tick,
    spiking_layer,
)

seeds = st.integers(0, 2**32 - 1)
R = 4


def mostafa(times, weights):
    """One neuron, event by event, in z = 1 + t / R: the first z at which sum_C(w (z - z_i)) - z
    reaches zero.
    """
    events = sorted(
        (1 + time / R, weight)
        for time, weight in zip(times, weights, strict=True)
        if time < math.inf
    )
    total = weighted = 0.0
    for index, (z, weight) in enumerate(events):
        total += weight
        weighted += weight * z
        until = events[index + 1][0] if index + 1 < len(events) else math.inf
        if total > 1 and until > z and weighted / (total - 1) <= until:
            return R * (weighted / (total - 1) - 1)
    return math.inf


def random_case(seed, silent=0.3):
    generator = torch.Generator().manual_seed(seed)
    time = torch.rand(5, 12, generator=generator, dtype=torch.float64) * 10
    time[torch.rand(5, 12, generator=generator) < silent] = math.inf
    weight = torch.randn(12, 3, generator=generator, dtype=torch.float64) * 0.6 + 0.15
    return time, weight, generator


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_times_are_mostafas(seed):
    time, weight, _ = random_case(seed)
    found = spiking_layer(time, weight, ExactNeuron(ticks_per_unit=R))
    for image in range(5):
        for neuron in range(3):
            expected = mostafa(time[image].tolist(), weight[:, neuron].tolist())
            assert found[image, neuron].item() == pytest.approx(expected, rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_input_layer_equals_the_general_one(seed):
    _, weight, generator = random_case(seed)
    ticks = (0, 2, 3, 7)
    level = torch.randint(0, 6, (5, 12), generator=generator)  # 4 and 5: never fires
    spikes = [(level == index).to(weight.dtype) for index in range(4)]
    time = torch.tensor([*ticks, math.inf, math.inf], dtype=torch.float64)[level]
    first, second = weight.clone().requires_grad_(), weight.clone().requires_grad_()
    neuron = ExactNeuron(ticks_per_unit=R)
    fast, slow = input_layer(first, neuron, ticks, spikes), spiking_layer(time, second, neuron)
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)
    for result in (fast, slow):
        result.masked_fill(result == math.inf, 0.0).sum().backward()
    torch.testing.assert_close(first.grad, second.grad, rtol=1e-9, atol=1e-9)


def finite(result):
    return result.masked_fill(result == math.inf, 0.0)


@pytest.mark.parametrize("seed", range(8))
def test_hidden_gradients_are_exact(seed):
    time, weight, _ = random_case(seed, silent=0.0)
    neuron = ExactNeuron(ticks_per_unit=R)
    assert (spiking_layer(time, weight, neuron) < math.inf).any()
    inputs = (time.requires_grad_(), weight.requires_grad_())
    assert gradcheck(
        lambda t, w: finite(spiking_layer(t, w, neuron)), inputs, eps=1e-7, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("seed", range(8))
def test_input_gradients_are_exact(seed):
    _, weight, generator = random_case(seed)
    level = torch.randint(0, 4, (5, 12), generator=generator)
    spikes = [(level == index).to(weight.dtype) for index in range(3)]
    neuron = ExactNeuron(ticks_per_unit=R)
    assert (input_layer(weight, neuron, (0, 2, 5), spikes) < math.inf).any()
    weight.requires_grad_()
    assert gradcheck(
        lambda w: finite(input_layer(w, neuron, (0, 2, 5), spikes)), (weight,), eps=1e-7, atol=1e-4
    )


@pytest.mark.parametrize("seed", range(8))
def test_output_gradients_are_exact_up_to_a_fixed_horizon(seed):
    """Within a row, the horizon of late outputs is a constant of the gradient; here it is the last
    tick for all.
    """
    time, weight, _ = random_case(seed, silent=0.0)
    neuron = ExactNeuron(ticks_per_unit=R)
    horizon = Horizon(last_tick=9.0)
    plain, extended = (spiking_layer(time, weight, neuron, choice) for choice in (None, horizon))
    assert (plain > 9).any()
    assert torch.isfinite(extended).all()
    inputs = (time.requires_grad_(), weight.requires_grad_())
    assert gradcheck(
        lambda t, w: spiking_layer(t, w, neuron, horizon), inputs, eps=1e-7, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_moving_horizon_is_a_constant_of_the_gradient(seed):
    """With a margin the gradient is that of the same horizon standing still, and so it is not that
    of finite differences.
    """
    time, weight, _ = random_case(seed, silent=0.0)
    neuron, time = ExactNeuron(ticks_per_unit=R), time[:1]
    first = float(spiking_layer(time, weight, neuron).amin())
    inputs = (time.requires_grad_(), weight.requires_grad_())
    found = []
    for horizon in (Horizon(9.0, margin=1.5), Horizon(min(9.0, first + 1.5))):
        times = spiking_layer(time, weight, neuron, horizon)
        found.append((times.detach(), *torch.autograd.grad(times.square().sum(), inputs)))
    for moving, still in zip(*found, strict=True):
        torch.testing.assert_close(moving, still)


@pytest.mark.parametrize("seed", range(8))
def test_gradients_of_second_spikes_are_exact(seed):
    """Real times; a neuron fires twice where the sum reaches 2 z."""
    time, weight, _ = random_case(seed, silent=0.0)
    second = ExactNeuron(ticks_per_unit=R).level(2)
    weight += 0.2
    assert (spiking_layer(time, weight, second) < math.inf).any()
    inputs = (time.requires_grad_(), weight.requires_grad_())
    assert gradcheck(
        lambda t, w: finite(spiking_layer(t, w, second)), inputs, eps=1e-7, atol=1e-4, rtol=1e-4
    )


def test_a_spike_that_waits_follows_the_one_before():
    """A weight of 9 reaches 1 z and 2 z in a tick (T = 1, R = 4), and fires at ticks 1 and 2."""
    time = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    weight = torch.full((1, 1), 9.0, dtype=torch.float64, requires_grad=True)
    neuron = ExactNeuron(ticks_per_unit=R)
    first = torch.tensor([[1.0]], dtype=torch.float64, requires_grad=True)
    second = spiking_layer(time, weight, neuron.level(2), earliest=first + 1)
    assert second.item() == 2
    second.backward()
    assert first.grad.item() == 1
    assert weight.grad.item() == time.grad.item() == 0

    # a weight of 3 reaches 2 z at tick 8: nothing waits, and nobody fires again after silence
    late = spiking_layer(time, weight / 3, neuron.level(2), earliest=first + 1)
    assert late.item() == 8
    never = torch.full((1, 1), math.inf, dtype=torch.float64)
    assert spiking_layer(time, weight, neuron.level(2), earliest=never).item() == math.inf


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_horizon_keeps_early_times_and_the_order_of_potentials(seed):
    time, weight, _ = random_case(seed)
    neuron = ExactNeuron(threshold=1, ticks_per_unit=R)
    plain = spiking_layer(time, weight, neuron)
    limit = (plain.amin(dim=1, keepdim=True) + 1.5).clamp_max(9.0)
    found = spiking_layer(time, weight, neuron, Horizon(last_tick=9.0, margin=1.5))
    assert torch.equal(found[plain <= limit], plain[plain <= limit])
    since = (limit.unsqueeze(2) - time.unsqueeze(1).clamp_max(1e9)).clamp_min(
        0
    )  # (batch, 1, fan_in)
    potential = (since @ weight).squeeze(1) - limit - R
    late = plain > limit
    torch.testing.assert_close(found[late], (limit - potential)[late])


def test_floor_limits_a_gradient():
    """With D = 0.001 the exact gradient is 300 times that of a floor of 0.3."""
    spikes = [torch.ones(1, 1, dtype=torch.float64)]
    gradients = []
    for floor in (0.0, 0.3):
        weight = torch.tensor([[1.001]], dtype=torch.float64, requires_grad=True)
        input_layer(weight, ExactNeuron(ticks_per_unit=R, floor=floor), (0,), spikes).backward()
        gradients.append(weight.grad.item())
    assert gradients[0] / gradients[1] == pytest.approx(300)


def test_silent_neurons_have_no_gradient():
    weight = torch.full((3, 2), 0.2, requires_grad=True)
    time = torch.tensor([[1.0, 2.0, math.inf]], requires_grad=True)
    result = spiking_layer(time, weight, ExactNeuron(ticks_per_unit=R))
    assert (result == math.inf).all()
    finite(result).sum().backward()
    assert (weight.grad == 0).all()
    assert (time.grad == 0).all()


def test_ticks_round_up_and_end():
    time = torch.tensor([0.5, 2.0, 2.01, 3.5, math.inf], requires_grad=True)
    tick = next_tick(time, 3)
    assert tick.tolist() == [1, 2, 3, math.inf, math.inf]
    finite(tick).sum().backward()
    assert time.grad.tolist() == [1, 1, 1, 0, 0]
