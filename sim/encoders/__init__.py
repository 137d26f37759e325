"""From samples to input spikes: one file for each encoder, and their table."""

from sim.encoders.encoder import Encoder
from sim.encoders.events import Events
from sim.encoders.intensity import Intensity

ENCODERS: dict[str, type[Encoder]] = {"intensity": Intensity, "events": Events}
"""The encoders, by their kinds in a network's file."""
