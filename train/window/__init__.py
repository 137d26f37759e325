"""Window code: networks of quantised activations, which the machine runs as first spikes.

The later an input spikes the less it is worth: a neuron of activation a spikes a ticks before its
window ends. So a network of small integer activations, trained as usual, is a spiking network.
"""
