"""A convolution looks up what its definition says, and its sums are reached."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from random_networks import any_network, seeds, written_out
from sim.connections.connection import Visit, reads_of
from sim.connections.convolution import Convolution
from sim.errors import InputError
from sim.fixed_point import WeightFormat

KERNEL = np.arange(-9, 9, dtype=np.int8).reshape(1, 3, 3, 2)


def convolution_of(seed):
    """Return a convolution of a random network."""
    found = [layer.connection for layer in any_network(seed).layers]
    found = [connection for connection in found if isinstance(connection, Convolution)]
    assume(found)
    return found[0]


def test_sizes_and_visits_by_hand():
    connection = Convolution(KERNEL, (6, 5, 1), stride=2)
    assert (connection.output, connection.fan_in, connection.fan_out) == ((2, 2, 2), 30, 8)
    assert (connection.positions, connection.channels_out) == (4, 2)
    assert connection.sizes == "6 x 5 x 1 to 2 x 2 x 2, 3 x 3/2"

    # input (2, 2) is a corner of all four kernels; the last row of inputs meets none
    assert connection.visits(2 * 5 + 2) == [Visit(8, 0), Visit(6, 1), Visit(2, 2), Visit(0, 3)]
    assert connection.visits(5 * 5) == []
    assert reads_of(connection)[[12, 25]].tolist() == [8, 0]


@given(seeds)
def test_an_event_adds_what_the_definition_says(seed):
    connection = convolution_of(seed)
    matrix = written_out(connection)
    for source in range(connection.fan_in):
        current = np.zeros(connection.fan_out, np.int64)
        connection.deliver(source, current)
        assert np.array_equal(current, matrix[source])
        positions = [position for _, position in connection.visits(source)]
        assert positions == sorted(set(positions))


@given(seeds)
def test_the_least_and_the_greatest_sum_of_every_neuron(seed):
    connection = convolution_of(seed)
    matrix = written_out(connection)
    inflows = connection.inflows()
    assert [each.low for each in inflows] == np.minimum(matrix, 0).sum(axis=0).tolist()
    assert [each.high for each in inflows] == np.maximum(matrix, 0).sum(axis=0).tolist()


@given(seeds, st.integers(2, 8))
def test_the_greatest_sums_of_a_format(seed, bits):
    connection, form = convolution_of(seed), WeightFormat(bits)
    found = connection.inflow_of_format(form)
    for value, expected in ((form.low, found.low), (form.high, found.high)):
        other = connection.with_weight(np.full_like(connection.weight, value))
        sums = written_out(other).sum(axis=0)
        assert max(sums, key=abs) == expected


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"stride": 0}, "connection.stride: must be at least 1, not 0"),
        ({"padding": 3}, r"connection.padding: must be in 0..2, smaller than the kernel, not 3"),
        ({"padding": -1}, "connection.padding: must be in 0..2"),
        ({"input": (6, 5)}, r"connection.input: must be \[height, width, channels\]"),
        ({"input": (6, 5, 2)}, "weight: has 1 input channels for a map of 2"),
        ({"input": (6, 2, 1)}, "weight: has a kernel of 3 for a padded map of 2; take 2 or less"),
        ({"input": (2**14, 2**14, 1)}, "connection: has [0-9]+ neurons, at most 1048576 fit"),
        ({"weight": KERNEL[0]}, r"weight: must have 4 dimension\(s\), not 3"),
        ({"weight": KERNEL[:, :0]}, "weight: must have at least one channel"),
    ],
)
def test_what_no_convolution_is(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Convolution(**{"weight": KERNEL, "input": (6, 5, 1)} | fields)
