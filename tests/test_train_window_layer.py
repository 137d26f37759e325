"""A settled layer is the machine's in float32, whatever its bits; before that it is normalised."""

import pytest
import torch

from train.connections.convolution import Convolution
from train.connections.dense import Dense
from train.window.layer import WindowLayer, activation, rounded

CONNECTIONS = (Dense(30, 6), Convolution((5, 6, 1), 4, 3, 2, 1))


def layer_of(connection, bits, seed=0):
    """A layer whose channels differ in scale, and activations for it."""
    generator = torch.Generator().manual_seed(seed)
    layer = WindowLayer(connection, bits, 7, generator)
    with torch.no_grad():
        layer.weight.mul_(torch.rand(connection.channels_out, generator=generator) + 0.5)
        layer.offset.add_(torch.randn(connection.channels_out, generator=generator))
    given = torch.randint(0, 8, (64, connection.fan_in), generator=generator).float()
    return layer, given


def settled(layer, given):
    """Settle a layer on a batch, as :meth:`WindowNetwork.settle` does."""
    layer.choose_threshold()
    sums = layer.sums(given).detach().view(-1, layer.connection.channels_out)
    layer.settle(sums.mean(dim=0), sums.var(dim=0, correction=0))
    return layer


def test_activations_are_rounded_down_and_clipped():
    potential = torch.tensor([-2.0, -0.1, 0.2, 1.0, 2.9, 3.5, 4.0, 9.0], requires_grad=True)
    found = activation(potential, 3)
    assert found.tolist() == [0, 0, 0, 1, 2, 3, 3, 3]
    found.sum().backward()
    assert potential.grad.tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


def test_rounding_has_gradient_1():
    value = torch.tensor([0.5, 1.4, -2.6], requires_grad=True)
    found = rounded(value)
    found.sum().backward()
    assert found.tolist() == [0, 1, -3]
    assert value.grad.tolist() == [1, 1, 1]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("connection", CONNECTIONS, ids=["dense", "convolution"])
def test_a_settled_layer_is_in_integers(connection, bits):
    layer, given = layer_of(connection, bits)
    settled(layer, given)
    weight, start = layer.machine_weight().detach(), layer.machine_start().round().detach()
    low, high = (-1, 1) if bits == 1 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert torch.equal(weight, weight.round())
    assert low <= weight.min() < 0 < weight.max() <= high
    assert bits > 1 or (weight != 0).all()

    sums = connection.apply(given, weight).view(-1, connection.channels_out)
    assert torch.equal(
        layer(given), ((sums + start) / layer.threshold).view(len(given), connection.fan_out)
    )


@pytest.mark.parametrize("bits", [1, 8])
@pytest.mark.parametrize("connection", CONNECTIONS, ids=["dense", "convolution"])
def test_settling_on_a_batch_changes_little(connection, bits):
    layer, given = layer_of(connection, bits)
    layer.choose_threshold()
    with torch.no_grad():
        before = layer(given)
        settled(layer, given)
        after = layer(given)
    # a threshold of 1 bit is one integer for all channels, so rounding it is coarse
    assert (before - after).abs().max() < (0.3 if bits > 1 else 0.1 * before.abs().max())
    channels = before.view(-1, connection.channels_out)
    torch.testing.assert_close(channels.mean(dim=0), layer.offset.detach(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("bits", [1, 3])
def test_gradients_reach_all_that_is_trained(bits):
    layer, given = layer_of(CONNECTIONS[1], bits)
    for settle in (False, True):
        if settle:
            settled(layer, given)
        layer.zero_grad(set_to_none=True)
        layer(given).square().sum().backward()
        assert layer.weight.grad.abs().sum() > 0
        assert layer.offset.grad.abs().sum() > 0
        # the gain of 1 bit is the threshold, which is a constant in the end
        assert (layer.gain.grad is None) == (bits == 1 and settle)
