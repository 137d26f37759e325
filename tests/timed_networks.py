"""Networks written out by hand, in which one can say at which tick each neuron fires."""

import numpy as np

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.trace import traces
from hw.machine.pipeline import Pipeline
from hw.parameters import FULL, MachineParameters
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike


def timed_network(*layers, ticks=(0,), last_tick=6, inputs=4, ticks_per_unit=1):
    """Input i fires at tick ticks[i % len(ticks)] where the image is bright; intensity n stands for
    ticks[n - 1].
    """
    spike_tick = np.full(256, -1, np.int16)
    spike_tick[1 : len(ticks) + 1] = ticks
    encoder = Intensity((1, inputs), 1, np.arange(inputs, dtype=np.int32), spike_tick)
    sizes = [np.array(weight, np.int8) for weight, _ in layers]
    return Network(
        encoder,
        tuple(
            Layer(Dense(weight), Neuron(threshold))
            for weight, (_, threshold) in zip(sizes, layers, strict=True)
        ),
        FirstSpike(),
        ticks_per_unit,
        last_tick,
        tuple(str(index) for index in range(sizes[-1].shape[1])),
    )


SLOW = timed_network(([[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]], 100), ticks=(0, 2, 6), inputs=5)
"""Never decides, so bad input is met in every phase of an image; 5 inputs leave 3 indices out of
range.
"""

GOOD = np.array([[[1, 2, 0, 3, 3]]], np.uint8)


def feed(images, seed=None, lanes=FULL):
    """Run events through the pipeline of ``SLOW``; return what it did with each image."""
    parameters = MachineParameters(SLOW, lanes)
    return traces(parameters, AmaranthEngine(Pipeline(parameters)).run(Stimulus(images, seed=seed)))
