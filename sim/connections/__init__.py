"""Which weights a spike looks up: one file for each kind of connection, and their table."""

from sim.connections.dense import Dense

CONNECTIONS: dict[str, type[Dense]] = {"dense": Dense}
"""The kinds of connections, by their names in a network's file."""
