"""Smaller networks that decide alike or nearly so: fewer input pixels and spikes, and no neurons
that do nothing.
"""

import copy
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sim.connections.dense import Dense
from sim.encoders.intensity import NEVER, Intensity
from sim.network import Layer, Network
from train.pipeline import SpikingNetwork

CHUNK = 1000


@torch.no_grad()
def useful_inputs(network: SpikingNetwork, images: Tensor, budget: int) -> Tensor:
    """Return the indices, ascending int64 (budget,), of the inputs that matter most on training
    images.

    An input's worth is the norm of its weight row times the root of how often it fires: what it
    adds to the currents.
    """
    fired = torch.zeros(network.encoder.inputs)
    for part in images.split(CHUNK):
        fired += sum(now.sum(dim=0) for now in network.encode(part).spikes)
    worth = network.weights[0].norm(dim=1).cpu() * fired.sqrt()
    return worth.argsort(descending=True, stable=True)[:budget].sort().values


def keep_inputs(network: SpikingNetwork, inputs: Tensor) -> SpikingNetwork:
    """Return the network without all inputs but these (ascending indices)."""
    pixels = np.ascontiguousarray(network.encoder.pixels[inputs.numpy()])
    sizes = [weight.shape[1] for weight in network.weights]
    encoder = replace(network.encoder, pixels=pixels)
    grid = (network.ticks_per_unit, network.last_tick)
    smaller = SpikingNetwork(
        *(encoder, sizes, *grid, network.bits, network.floor, network.readout),
        spikes=network.most_spikes,
    )
    smaller.thresholds = network.thresholds

    with torch.no_grad():
        for index, (new, old) in enumerate(zip(smaller.weights, network.weights, strict=True)):
            new.copy_(old[inputs] if index == 0 else old)
    return smaller


def silenced(encoder: Intensity, max_silent_intensity: int) -> Intensity:
    """Return the encoder in which intensities up to this one never fire; 0: as it is."""
    if max_silent_intensity == 0:
        return encoder
    spike_tick = encoder.tick_of.copy()
    spike_tick[: max_silent_intensity + 1] = NEVER
    return replace(encoder, spike_tick=spike_tick)


def silence(network: SpikingNetwork, max_silent_intensity: int) -> SpikingNetwork:
    """Return the network, its weights shared, in whose encoder intensities up to this one never
    fire; 0: the network as it is.

    Pixels just above the threshold that a network was trained with are the least certain ones, and
    their brighter neighbours carry the same information: without them no accuracy is lost, until
    there are many (docs/frontier.md).
    """
    if max_silent_intensity == 0:
        return network
    quieter = copy.copy(network)
    quieter.encoder = silenced(network.encoder, max_silent_intensity)
    return quieter


def without_dead_neurons(network: Network) -> tuple[Network, list[int]]:
    """Return an integer network that decides alike on every image, and how many neurons each hidden
    layer lost.

    One neuron of each layer is kept, as a layer cannot be empty. A network with convolutions stays
    as it is: what is dead at one position need not be so at another.
    """
    layers = list(network.layers)
    if not all(isinstance(layer.connection, Dense) for layer in layers):
        return network, [0] * (len(layers) - 1)
    sizes = [layer.fan_out for layer in layers[:-1]]
    changed = True
    while changed:  # a removal can take the last input or the last listener of another neuron
        changed = False
        for index in range(len(sizes)):
            alive = _alive(replace(network, layers=tuple(layers)), index)
            changed |= not alive.all()
            layer, following = layers[index], layers[index + 1]
            layers[index] = _only(layer, alive)
            layers[index + 1] = following.with_weight(np.ascontiguousarray(following.weight[alive]))

    removed = [size - layer.fan_out for size, layer in zip(sizes, layers, strict=False)]
    return replace(network, layers=tuple(layers)), removed


def _only(layer: Layer, alive: npt.NDArray[np.bool_]) -> Layer:
    """Return a dense layer without its other neurons."""
    start = None if layer.start is None else layer.start[alive]
    connection = layer.connection.with_weight(np.ascontiguousarray(layer.weight[:, alive]))
    return replace(layer, connection=connection, start=start)


def _alive(network: Network, index: int) -> npt.NDArray[np.bool_]:
    """Return which neurons of hidden layer ``index`` can fire and are listened to, bool (fan_out,);
    at least one.
    """
    alive = network.can_fire(index) & (network.layers[index + 1].weight != 0).any(axis=1)
    alive[0] |= not alive.any()
    return alive
