"""Many networks: a file of settings and grids, trained on a cluster."""
