"""Each connection has its component, built for the rows that are asked for."""

from hw.connections import CONNECTIONS
from hw.connections.convolution import ConvolutionVisits
from hw.connections.dense import DenseVisits
from sim import connections
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.connections.pool import Pool


def test_each_connection_has_its_component():
    components = dict(CONNECTIONS)
    assert components == {Dense: DenseVisits, Convolution: ConvolutionVisits}
    # a pool is built as the convolution that does the same
    assert set(components) | {Pool} == set(connections.CONNECTIONS.values())
