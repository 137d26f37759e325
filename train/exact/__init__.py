"""Exact spike times in closed form, with gradients (Mostafa 2017)."""
