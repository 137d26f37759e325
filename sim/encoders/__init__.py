"""From samples to input spikes: one file for each encoder, and their table."""

from sim.encoders.intensity import Intensity

ENCODERS: dict[str, type[Intensity]] = {"intensity": Intensity}
"""The encoders, by their kinds in a network's file."""
