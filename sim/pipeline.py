"""The integer machine, slow and obvious: one sample, event by event. This file is the
specification.
"""

from typing import Any

import numpy.typing as npt

from sim.network import Network
from sim.neuron import Spike
from sim.trace import Trace


def run(network: Network, sample: npt.NDArray[Any]) -> Trace:
    """Run one sample up to its decision and return what crossed every boundary.

    :param sample: what the network's encoder takes; an image is uint8 (height, width).
    :raises InputError: the sample is of another type or shape.

    At each tick k = 0 ... K all layers advance (k > 0), then the readout decides, then hidden
    neurons fire, then the spikes of this tick look up their weight rows; so a spike of tick k moves
    potentials from tick k + 1 on. On a decision nothing more of that tick is read.
    """
    inputs = network.encoder.spikes(sample)
    layers = [layer.neurons(network.ticks_per_unit) for layer in network.layers]
    output = layers[-1]
    decider, winner = network.readout.start(len(network.classes)), 0
    delivered: list[list[Spike]] = [[] for _ in layers]

    for tick in range(network.last_tick + 1):
        # advance: at tick 0 a sample is in the state that it starts from
        if tick > 0:
            for neurons in layers:
                neurons.advance()

        # decide before anything of this tick is read
        ended, winner = decider.decide(output)
        if ended:
            return Trace(winner, tick, False, delivered, output.potential)

        # fire: all hidden layers from the state of this tick, so a spike needs a tick per layer
        fired = [[spike for spike in inputs if spike.tick == tick]]
        fired += [[Spike(tick, int(index)) for index in neurons.fire()] for neurons in layers[:-1]]

        # deliver: the inputs feed the first layer, each hidden layer the next one; only currents
        # change, and so no potential before the next advance
        for neurons, spikes, record in zip(layers, fired, delivered, strict=True):
            for spike in spikes:
                neurons.deliver(spike.neuron)
                record.append(spike)

    # the verdict of the last tick is the decision, though its spikes were delivered
    timed_out = network.readout.early
    return Trace(winner, network.last_tick, timed_out, delivered, output.potential)
