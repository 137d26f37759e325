"""How a batch is decided from spike times: one file for each readout, and their table."""

from collections.abc import Callable

from train.readouts import first_spike
from train.readouts.verdict import Outputs, Verdicts

READOUTS: dict[str, Callable[[Outputs], Verdicts]] = {"first_spike": first_spike.decide}
"""The readouts, by the names of :data:`sim.readouts.READOUTS`."""
