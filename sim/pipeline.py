"""The integer machine, slow and obvious: one sample, event by event. This file is the
specification.
"""

from typing import Any

from sim.network import Network
from sim.neuron import Spike
from sim.trace import Trace


def run(network: Network, sample: Any) -> Trace:
    """Run one sample up to its decision and return what crossed every boundary.

    :param sample: what the network's encoder takes; an image is uint8 (height, width), a list of
        events an :class:`~sim.encoders.events.EventList` of one sample.
    :raises InputError: the sample is of another type or shape, or has events after the last tick.

    At each tick k = 0 ... K all layers advance (k > 0), then the readout decides, then neurons
    fire, then the spikes of this tick look up their weight rows; so a spike of tick k moves
    potentials from tick k + 1 on. On a decision nothing more of that tick is read.
    """
    inputs = network.encoder.spikes(sample, network.last_tick)
    layers = [layer.neurons(network.ticks_per_unit) for layer in network.layers]
    output = layers[-1]
    decider = network.readout.start(len(network.classes))
    delivered: list[list[Spike]] = [[] for _ in layers]

    for tick in range(network.last_tick + 1):
        # advance: at tick 0 a sample is in the state that it starts from
        if tick > 0:
            for neurons in layers:
                neurons.advance()

        # decide before anything of this tick is read
        if decider.ended(output):
            return Trace.of(network, decider.winner(output), tick, True, delivered, output)

        # fire: all layers from the state of this tick, so a spike needs a tick per layer; outputs
        # only where their spikes count
        fired = [[Spike(tick, int(index)) for index in neurons.fire()] for neurons in layers[:-1]]
        if network.readout.counts:
            output.fire()

        # deliver: the inputs feed the first layer, each hidden layer the next one, and itself where
        # it is recurrent; only currents change, and so no potential before the next advance
        fed = [[spike for spike in inputs if spike.tick == tick], *fired]
        for layer, neurons, spikes, own, record in zip(
            network.layers, layers, fed, [*fired, []], delivered, strict=True
        ):
            for spike in spikes:
                neurons.deliver(spike.neuron)
                record.append(spike)
            if layer.recurrent is not None:
                for spike in own:
                    neurons.add(layer.recurrent[spike.neuron])
            if layer.bias is not None:
                neurons.add(layer.bias)

    # nothing ended the sample: the verdict is that of the last tick, whose spikes were delivered
    return Trace.of(network, decider.winner(output), network.last_tick, False, delivered, output)
