"""One valid network of four pixels and two classes, for tests of what is valid."""

from dataclasses import replace

import numpy as np

from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

PIXELS = np.arange(4, dtype=np.int32)
CODE = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
WEIGHT = np.ones((4, 2), np.int8)


def small_network(**changes):
    """Return the network, with other fields where ``changes`` gives them."""
    encoder = Intensity((2, 2), 1, PIXELS, CODE)
    return replace(
        Network(
            encoder,
            (Layer(Dense(WEIGHT), Neuron(3)),),
            FirstSpike(),
            4,
            24,
            ("no", "yes"),
            {"seed": 1},
        ),
        **changes,
    )
