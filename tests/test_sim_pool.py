"""A pool adds one for every event of a cell, and looks nothing up."""

import numpy as np
import pytest
from hypothesis import given

from random_networks import seeds
from sim.connections.connection import reads_of
from sim.connections.pool import Pool
from sim.errors import InputError
from sim.fixed_point import Bounds


@given(seeds)
def test_an_event_adds_one_to_the_channel_of_its_cell(seed):
    rng = np.random.default_rng(seed)
    height, width, channels = (int(each) for each in rng.integers(1, 7, 3))
    size = int(rng.integers(1, min(height, width) + 1))
    pool = Pool((height, width, channels), size)
    assert pool.output == (height // size, width // size, channels)

    twin = pool.as_convolution()
    for source in range(pool.fan_in):
        y, x, channel = np.unravel_index(source, pool.input)
        expected = np.zeros(pool.output, np.int64)
        if y // size < height // size and x // size < width // size:
            expected[y // size, x // size, channel] = 1
        for connection in (pool, twin):
            current = np.zeros(pool.fan_out, np.int64)
            connection.deliver(source, current)
            assert np.array_equal(current.reshape(pool.output), expected)
        assert pool.visits(source) == twin.visits(source)


def test_nothing_is_stored_or_looked_up():
    pool = Pool((5, 4, 3), 2)
    assert pool.tensors() == {}
    assert reads_of(pool).tolist() == [0] * 60
    assert pool.inflows() == [Bounds(0, 4)] * 12
    assert pool.sizes == "5 x 4 x 3 to 2 x 2 x 3, cells of 2 x 2"
    with pytest.raises(InputError, match="weight: a pool has none"):
        pool.with_weight(np.zeros((1, 1), np.int8))


@pytest.mark.parametrize(
    ("shape", "size", "sentence"),
    [
        ((4, 4), 2, r"connection.input: must be \[height, width, channels\]"),
        ((4, 0, 1), 2, "connection.input: must be"),
        ((4, 3, 1), 4, r"connection.size: must be in 1..3, a cell within the map, not 4"),
        ((4, 3, 1), 0, r"connection.size: must be in 1..3"),
        ((2048, 2048, 2), 2, "connection: has 8388608 neurons"),
    ],
)
def test_what_no_pool_is(shape, size, sentence):
    with pytest.raises(InputError, match=sentence):
        Pool(shape, size)
