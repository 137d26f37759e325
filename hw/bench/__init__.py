"""Simulators, the virtual board, and the comparison of gateware with :mod:`sim`."""
