"""Which weights a spike looks up: one file for each kind of connection, and their table."""

from sim.connections.connection import Connection
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.connections.pool import Pool

CONNECTIONS: dict[str, type[Connection]] = {
    "dense": Dense,
    "convolution": Convolution,
    "pool": Pool,
}
"""The kinds of connections, by their names in a network's file."""
