"""Learning in place, named as in :mod:`sim.learning`."""
