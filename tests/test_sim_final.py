"""The highest sum at the end is the answer, and nothing before it."""

import numpy as np
from hypothesis import assume, given

from random_networks import any_network, random_images, seeds, written_out
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity, encode
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.final import Final

CODE = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)


def decide(*sums):
    """Return the trace of outputs with these sums, for one bright pixel."""
    weight = np.array([sums], np.int8)
    encoder = Intensity((1, 1), 1, np.array([0], np.int32), CODE)
    output = Layer(Dense(weight), Neuron(1, ramp=False, reset="never"))
    names = tuple(str(index) for index in range(len(sums)))
    network = Network(encoder, (output,), Final(), 1, 3, names)
    return run(network, np.array([[255]], np.uint8))


def test_highest_then_lowest_index():
    assert decide(3, 9, 5).decision == 1
    assert decide(3, 9, 9).decision == 1
    assert decide(-3, -9, -3).decision == 0


def test_it_takes_all_ticks_and_is_not_timed_out():
    trace = decide(3, 100)
    assert (trace.tick, trace.timed_out, trace.potential.tolist()) == (3, False, [9, 300])


@given(seeds)
def test_windows_and_sums_are_a_relu_network(seed):
    """The whole network in two lines of NumPy: what an input spike is worth, clip, round, sum."""
    network = any_network(seed)
    assume(not network.readout.early)
    assume(all(layer.neuron.window for layer in network.layers[:-1]))

    images = random_images(network, 6, seed)
    ticks = encode(network.encoder, images).astype(np.int64)
    first = network.layers[0].neuron.window
    activation = np.where(ticks >= 0, (first[0] if first else network.last_tick) - ticks, 0)
    for layer in network.layers:
        total = activation @ written_out(layer.connection) + layer.starts()
        if layer.neuron.window:
            activation = (total // layer.threshold).clip(0, layer.neuron.window[1])

    traces = [run(network, image) for image in images]
    assert [trace.potential.tolist() for trace in traces] == total.tolist()
    assert [trace.decision for trace in traces] == total.argmax(axis=1).tolist()
