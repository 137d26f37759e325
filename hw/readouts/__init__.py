"""From output potentials to a decision, named as in :mod:`sim.readouts`, and the table that
chooses.

A readout is a component of the output layer's parameters with two streams. ``i``: the folds of the
output layer after each advance, each taken at once; where nothing but the last tick counts, only
those of the last tick. ``o``: a :func:`hw.events.verdict` for each tick that has folds, however
many cycles after its last one; until it comes nothing of the tick is read. It is reset when an
image begins.
"""

from collections.abc import Mapping
from typing import Any

from hw.readouts.final import Final
from hw.readouts.first_spike import FirstSpike
from hw.readouts.most_spikes import MostSpikes
from hw.readouts.peak import Peak

READOUTS: Mapping[str, Any] = {
    "first_spike": FirstSpike,
    "final": Final,
    "most_spikes": MostSpikes,
    "peak": Peak,
}
"""The component of a readout, by its name in the network."""
