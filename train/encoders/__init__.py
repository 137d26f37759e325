"""Input spikes for whole batches, named as in :mod:`sim.encoders`."""
