"""Connections in training add up what the machine's do, event by event."""

import numpy as np
import pytest
import torch

from sim.errors import InputError
from train.connections.convolution import Convolution
from train.connections.dense import Dense

CONNECTIONS = (
    Dense(7, 4),
    Convolution((7, 6, 2), 3, 3, 2, 1),
    Convolution((5, 5, 1), 2, 1, 4, 0),
    Convolution((4, 5, 3), 1, 4, 1, 3),
)


@pytest.mark.parametrize("connection", CONNECTIONS, ids=str)
def test_sums_and_sizes_are_the_machines(connection):
    rng = np.random.default_rng(0)
    weight = rng.integers(-8, 8, connection.weight_shape).astype(np.int8)
    activations = rng.integers(0, 4, (5, connection.fan_in))
    machine = connection.machine(weight)
    for name in ("fan_in", "fan_out", "channels_out"):
        assert getattr(connection, name) == getattr(machine, name)

    expected = np.zeros((5, connection.fan_out), np.int64)
    for row, given in zip(expected, activations, strict=True):
        for source, count in enumerate(given):
            for _ in range(count):
                machine.deliver(source, row)
    found = connection.apply(torch.tensor(activations).double(), torch.tensor(weight).double())
    np.testing.assert_array_equal(found.numpy(), expected)
    assert connection.output[0] * connection.output[1] * connection.output[2] == connection.fan_out


def test_a_kernel_larger_than_the_padded_map_is_refused():
    with pytest.raises(InputError, match=r"--kernel: 6 .* 4 x 9 with a padding of 0; take 4 or le"):
        Convolution((4, 9, 1), 2, 6, 1, 0)
    assert Convolution((4, 9, 1), 2, 6, 1, 1).output == (1, 6, 2)
