"""When a sample is decided, and for which class; named as in :mod:`sim.readouts`."""
