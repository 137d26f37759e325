"""From samples to input events, named as in :mod:`sim.encoders`."""
