"""The potentials that a readout asks for are the machine's, at any tick."""

import math

import numpy as np
import torch
from hypothesis import given

from random_networks import random_images, random_network, seeds
from sim.encoders.intensity import NEVER, encode
from sim.neuron import Neurons
from train.readouts.verdict import Outputs


def test_a_potential_by_hand():
    """T R = 8 and T = 4: at tick t it is -8 - 4 t, and what each input adds since it came."""
    before = torch.tensor([[0.0, 2.0, math.inf], [1.0, 1.0, 5.0]], dtype=torch.float64)
    weight = torch.tensor([[3, -1], [5, 2], [100, 100]], dtype=torch.float64)
    outputs = Outputs(torch.zeros(2, 2), before, weight, 4, 8, 12, True)
    found = outputs.potential(torch.tensor([3.0, 2.0]))
    assert found.tolist() == [[-20 + 9 + 5, -20 - 3 + 2], [-16 + 3 + 5, -16 - 1 + 2]]


@given(seeds)
def test_every_potential_is_the_machines(seed):
    network = random_network(seed)
    layer = network.layers[0]
    image = random_images(network, 1, seed)
    ticks = encode(network.encoder, image)
    time = torch.tensor(np.where(ticks == NEVER, np.inf, ticks), dtype=torch.float64)
    weight = torch.tensor(layer.weight, dtype=torch.float64)
    start = layer.threshold * network.ticks_per_unit
    outputs = Outputs(time, time, weight, layer.threshold, start, network.last_tick, True)

    neurons = Neurons(layer.neuron, layer.connection, network.ticks_per_unit)
    spikes = network.encoder.spikes(image[0])
    for tick in range(network.last_tick + 1):
        if tick > 0:
            neurons.advance()
        found = outputs.potential(torch.tensor([float(tick)]))[0]
        assert found.tolist() == neurons.potential.tolist()
        for spike in spikes:
            if spike.tick == tick:
                neurons.deliver(spike.neuron)
