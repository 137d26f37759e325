"""Leaky integrate-and-fire networks, trained through time: the forward pass is the integer machine,
the backward pass takes the step of a spike for a smooth one (surrogate gradients; Neftci, Mostafa &
Zenke 2019).
"""
