"""Exact time-to-first-spike training in PyTorch, quantisation, and export to the integer machine of
:mod:`sim`.
"""
