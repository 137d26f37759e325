"""From an event to the words that it looks up, named as in :mod:`sim.connections`, and the table
that chooses.

A connection is a component of a layer's rows with two streams and ``idle``. ``i``: indices of input
neurons. ``o``: what they look up, of the layout :func:`hw.rows.visit`, by ascending folds, one per
cycle. ``idle``: nothing but what is offered is on its way.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hw.connections.convolution import ConvolutionVisits
from hw.connections.dense import DenseVisits
from hw.rows import Rows
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense

SUBMODULE = "connection"
"""Name in the netlist."""

CONNECTIONS: Mapping[type, Callable[[Rows], Any]] = {
    Dense: DenseVisits,
    Convolution: ConvolutionVisits,
}
"""The component of a connection, by its kind in the network."""


def make_visits(rows: Rows) -> Any:
    """Return the component of a layer's connection."""
    return CONNECTIONS[type(rows.layer.connection)](rows)
