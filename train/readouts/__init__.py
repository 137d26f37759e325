"""Decisions for whole batches, named as in :mod:`sim.readouts`."""
