"""The integer machine, slow and obvious: one image, event by event. This file is the specification."""

import numpy as np
import numpy.typing as npt

from sim.encoders.intensity import encode
from sim.network import Network
from sim.neuron import Neurons
from sim.readouts.first_spike import decide, highest
from sim.trace import Spike, Trace


def run(network: Network, image: npt.NDArray[np.uint8]) -> Trace:
    """Run one image up to its decision and return what crossed every boundary.

    :param image: uint8 (height, width).
    :raises InputError: the image is of another type or shape.

    At each tick k = 0 ... K all layers advance (k > 0), then the outputs decide, then hidden
    neurons fire, then the spikes of this tick look up their weight rows; so a spike of tick k moves
    potentials from tick k + 1 on. On a decision nothing more of that tick is read.
    """
    spike_ticks = encode(network.encoder, image[np.newaxis])[0]
    layers = [Neurons(layer, network.ticks_per_unit) for layer in network.layers]
    output = layers[-1]
    delivered: list[list[Spike]] = [[] for _ in layers]
    for tick in range(network.last_tick + 1):
        if tick > 0:
            for neurons in layers:
                neurons.advance()
        decision = decide(output.potential)
        if decision is not None:
            return Trace(decision, tick, False, delivered, output.potential)
        spikes = [np.flatnonzero(spike_ticks == tick), *(neurons.fire() for neurons in layers[:-1])]
        for neurons, events, record in zip(layers, spikes, delivered, strict=True):
            for neuron in events:
                neurons.deliver(int(neuron))
                record.append(Spike(tick, int(neuron)))
    return Trace(highest(output.potential), network.last_tick, True, delivered, output.potential)
