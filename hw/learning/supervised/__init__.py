"""The circuit of the rule ``supervised``: twin of :mod:`sim.learning.supervised`."""
