"""When a sample is decided, and for which class: one file for each readout, and their table."""

from sim.readouts.final import Final
from sim.readouts.first_spike import FirstSpike
from sim.readouts.most_spikes import MostSpikes
from sim.readouts.peak import Peak
from sim.readouts.verdict import Readout

READOUTS: dict[str, type[Readout]] = {
    "first_spike": FirstSpike,
    "final": Final,
    "most_spikes": MostSpikes,
    "peak": Peak,
}
"""The readouts, by their names in a network's file."""
