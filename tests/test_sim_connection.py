"""The compiled form of a connection visits what the slow form does."""

from hypothesis import given

from random_networks import any_network, seeds
from sim.connections.connection import compile_connection


@given(seeds)
def test_compiled_visits_are_the_visits(seed):
    for layer in any_network(seed).layers:
        connection = layer.connection
        compiled = compile_connection(connection)
        for source in range(connection.fan_in):
            part = slice(*compiled.starts[source : source + 2])
            first = zip(compiled.weight[part], compiled.neuron[part], strict=True)
            channels = connection.channels_out
            assert [(word // channels, neuron // channels) for word, neuron in first] == [
                tuple(visit) for visit in connection.visits(source)
            ]
