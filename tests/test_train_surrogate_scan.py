"""A layer through time is the machine's, and its gradients are those of the smoothed one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sim.connections.dense import Dense
from sim.neuron import Neuron, Neurons
from train.surrogate.scan import SURROGATES, Slope, run_layer

SLOPE = Slope()


def random_neuron(rng):
    reset = str(rng.choice(["never", "once", "zero", "subtract"]))
    limit = int(rng.integers(0, 3)) if reset in ("zero", "subtract") else 0
    membrane, synapse = (int(rng.choice([0, 128, 224, 255, 256])) for _ in range(2))
    return Neuron(int(rng.integers(1, 60)), membrane, synapse, reset, ramp=False, limit=limit)


@given(st.integers(0, 2**32 - 1))
def test_whole_numbers_are_the_machines(seed):
    rng = np.random.default_rng(seed)
    neuron, (ticks, count) = random_neuron(rng), rng.integers(1, [12, 6])
    inflow = rng.integers(-20, 40, (1, ticks, count)) * (rng.random((1, ticks, count)) < 0.6)
    potential, spikes = run_layer(
        torch.tensor(inflow, dtype=torch.float32), neuron, whole=True, slope=SLOPE
    )

    twin = Neurons(neuron, Dense(np.zeros((1, count), np.int8)), 1)
    for tick in range(ticks):
        if tick > 0:
            twin.advance()
        found = (potential[0, tick] * neuron.threshold).round()
        assert found.tolist() == twin.potential.tolist()
        assert spikes[0, tick].nonzero().flatten().tolist() == twin.fire().tolist()
        twin.add(inflow[0, tick])


@pytest.mark.parametrize("synapse", [0, 128])
def test_without_spikes_gradients_are_those_of_the_equation(synapse):
    """The machine written in PyTorch, which differentiates it."""
    neuron = Neuron(7, 192, synapse, "never", ramp=False)
    generator = torch.Generator().manual_seed(1)
    inflow = torch.randn((3, 6, 4), generator=generator, requires_grad=True)
    seen = torch.randn((3, 6, 4), generator=generator)
    potential, _ = run_layer(inflow, neuron, whole=False, slope=SLOPE)
    (found,) = torch.autograd.grad((potential * seen).sum(), inflow)

    state, current, total = torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(())
    for tick in range(6):
        if tick > 0:
            state = state * 0.75 + current
            current = current * synapse / 256
        total = total + (state / 7 * seen[:, tick]).sum()
        current = current + inflow[:, tick]
    (expected,) = torch.autograd.grad(total, inflow)
    torch.testing.assert_close(found, expected)


class _Step(torch.autograd.Function):
    """A spike with the derivative of the fast sigmoid, written again."""

    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return (u >= 1).float()

    @staticmethod
    def backward(ctx, gradient):
        (u,) = ctx.saved_tensors
        return gradient / (1 + 10 * (u - 1).abs()) ** 2


@pytest.mark.parametrize("through_reset", [False, True])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_gradients_through_spikes_are_those_of_a_smooth_step(reset, through_reset):
    neuron = Neuron(2, 192, 0, reset, ramp=False)
    generator = torch.Generator().manual_seed(2)
    inflow = 3 * torch.randn((5, 8, 4), generator=generator)
    inflow.requires_grad_()
    seen = torch.randn((5, 8, 4), generator=generator)
    _, spikes = run_layer(inflow, neuron, whole=False, slope=Slope(through_reset=through_reset))
    (found,) = torch.autograd.grad((spikes * seen).sum(), inflow)

    state, total = torch.zeros(5, 4), torch.zeros(())
    taken = torch.zeros(5, 4)
    for tick in range(8):
        if tick > 0:
            state = state * 0.75 + inflow[:, tick - 1] / 2 - taken
        fired = _Step.apply(state)
        assert torch.equal(fired, spikes[:, tick])
        total = total + (fired * seen[:, tick]).sum()
        passed = fired if through_reset else fired.detach()
        if reset == "zero":
            state = state * (1 - passed)
        else:
            taken = passed
    (expected,) = torch.autograd.grad(total, inflow)
    torch.testing.assert_close(found, expected)
    assert spikes.sum() > 20


@pytest.mark.parametrize("name", SURROGATES)
def test_a_spike_is_steepest_at_its_level(name):
    neuron = Neuron(4, 0, 0, "zero", ramp=False)
    inflow = torch.zeros((1, 2, 5))
    inflow[0, 0] = torch.tensor([0.0, 3.0, 4.0, 5.0, 12.0])
    inflow.requires_grad_()
    _, spikes = run_layer(inflow, neuron, whole=False, slope=Slope(name))
    (gradient,) = torch.autograd.grad(spikes.sum(), inflow)
    steps = gradient[0, 0] * neuron.threshold
    assert steps.argmax() == 2
    assert steps[2] == pytest.approx(1.0 if name == "fast-sigmoid" else 1 / np.pi)
    assert steps[1] == pytest.approx(float(steps[3]))
    assert (gradient[0, 1] == 0).all()  # what comes at the last tick moves nothing
