"""From an event to the words that it looks up, named as in :mod:`sim.connections`, and the table
that chooses.

A connection is a component of a layer's rows with two streams and ``idle``. ``i``: indices of input
neurons. ``o``: what they look up, of the layout :func:`visit`, by ascending folds, one per cycle.
``idle``: nothing is on its way. A layer without one asks its store for whole rows, which gives
their words in order.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hw.connections.convolution import ConvolutionVisits
from hw.rows import Rows
from sim.connections.convolution import Convolution

SUBMODULE = "connection"
"""Name in the netlist."""

CONNECTIONS: Mapping[type, Callable[[Rows], Any]] = {Convolution: ConvolutionVisits}
"""The component of a connection whose events do not look up all folds in order, by its kind in the
network.
"""


def make_visits(rows: Rows) -> Any:
    """Return the component of a layer's connection, or None if an event looks up a whole row."""
    kind = CONNECTIONS.get(type(rows.layer.connection))
    return None if kind is None else kind(rows)
