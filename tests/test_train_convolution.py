"""A convolution's spike times and gradients are those of its matrix, written out, in the dense
trainer.
"""

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from random_networks import written_out
from sim.connections.convolution import Convolution
from train.exact.convolution import Geometry, _pack, _unpack, convolution_layer
from train.exact.layer import ExactNeuron, spiking_layer

seeds = st.integers(0, 2**32 - 1)
BATCH = 3


def random_geometry(rng):
    """Kernels 1-5, strides 1-4, paddings, several channels; rows and columns may be left over."""
    kernel = tuple(int(size) for size in rng.integers(1, 6, 2))
    padding = int(rng.integers(0, min(kernel)))
    least = [max(1, extent - 2 * padding) for extent in kernel]
    shape = (*(int(rng.integers(low, low + 6)) for low in least), int(rng.integers(1, 4)))
    weight = shape[2], *kernel, int(rng.integers(1, 6))
    return Geometry.of(shape, weight, int(rng.integers(1, 5)), padding)


def matrix(geometry):
    """Return, per synapse (fan_in, fan_out), which element of the flat weights it is, -1 for none,
    by the machine's own definition.
    """
    element = np.arange(math.prod(geometry.weight_shape)).reshape(geometry.weight_shape)
    digits = [
        written_out(Convolution(digit.astype(np.int8), *where(geometry)))
        for digit in (element // 100, element % 100 + 1)  # an int8 cannot number them all
    ]
    return torch.tensor(100 * digits[0] + digits[1] - 1)


def where(geometry):
    return geometry.input, geometry.stride, geometry.padding


def written(weight, index):
    """Return weights (channels_in, kh, kw, channels_out) as a matrix, with gradients."""
    return torch.where(index < 0, 0.0, weight.flatten()[index.clamp_min(0)])


def random_case(seed):
    """Times of which some are equal, and weights that make many neurons fire."""
    rng = np.random.default_rng(seed)
    geometry = random_geometry(rng)
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(geometry.weight_shape, generator=generator, dtype=torch.float64)
    time = torch.rand(BATCH, math.prod(geometry.input), generator=generator, dtype=torch.float64)
    time = (40 * time).floor() / 4
    time[torch.rand(time.shape, generator=generator) < 0.3] = math.inf
    return geometry, time, 0.6 * weight + 0.2, generator


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_times_and_gradients_are_those_of_the_matrix(seed):
    geometry, time, weight, generator = random_case(seed)
    neuron = ExactNeuron(ticks_per_unit=4, floor=0.3)
    inputs = time.requires_grad_(), weight.requires_grad_()
    index = matrix(geometry)

    found = convolution_layer(*inputs, geometry, neuron)
    expected = spiking_layer(time, written(weight, index), neuron)
    assert torch.equal(found < math.inf, expected < math.inf)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)

    # silent neurons have gradients, too, that must not count
    gradient = torch.rand(found.shape, generator=generator, dtype=torch.float64)
    pairs = (torch.autograd.grad(each, inputs, gradient) for each in (found, expected))
    for ours, theirs in zip(*pairs, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([torch.float32, torch.float64]))
def test_integers_fire_at_the_same_quotients(seed, dtype):
    """Sums of integers are exact in either type, whatever their order."""
    geometry, time, weight, _ = random_case(seed)
    time, weight = time.floor().to(dtype), (20 * weight).round().to(dtype)
    neuron = ExactNeuron(20, 4)
    found = convolution_layer(time, weight, geometry, neuron)
    assert torch.equal(found, spiking_layer(time, written(weight, matrix(geometry)), neuron))
    assert found.dtype == dtype


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_packed_weights_are_all_weights_once(seed):
    geometry = random_geometry(np.random.default_rng(seed))
    weight = np.arange(1.0, 1 + math.prod(geometry.weight_shape)).reshape(geometry.weight_shape)
    packed = _pack(weight, geometry)
    assert sorted(packed[packed > 0]) == sorted(weight.flat)
    np.testing.assert_array_equal(_unpack(packed, geometry), weight)


def test_a_spike_that_no_kernel_covers_does_nothing():
    """28 pixels, kernel 5, stride 2: the last row belongs to no position."""
    geometry = Geometry.of((28, 28, 1), (1, 5, 5, 2), 2, 0)
    assert geometry.output == (12, 12, 2)
    time = torch.full((1, 28, 28), math.inf)
    time[:, 27] = time[:, :, 27] = 0.0
    weight = torch.full(geometry.weight_shape, 5.0, requires_grad=True)
    found = convolution_layer(time.flatten(1), weight, geometry, ExactNeuron())
    assert (found == math.inf).all()
    found.backward(torch.ones_like(found))
    assert weight.grad is not None
    assert (weight.grad == 0).all()


def test_images_without_spikes_are_silent():
    geometry = Geometry.of((4, 4, 1), (1, 3, 3, 2), 1, 0)
    time = torch.full((2, 16), math.inf)
    found = convolution_layer(time, torch.ones(geometry.weight_shape), geometry, ExactNeuron())
    assert found.shape == (2, 8)
    assert (found == math.inf).all()
