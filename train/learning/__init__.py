"""Learning in place over data sets, with the rules of :mod:`sim.learning`."""
