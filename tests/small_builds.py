"""Settings of builds that take no time, networks of any size, and a router's report, for the tests
of ``hw/flow``.
"""

from itertools import pairwise

import numpy as np

from hw.boards.table import find_board
from hw.flow.settings import BuildSettings
from hw.flow.toolchain import Stage
from hw.parameters import MachineParameters
from random_networks import random_network
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

ROUTED = {
    "fmax": {
        "$glbnet$sync_clk": {"achieved": 93.1, "constraint": 50},
        "slow": {"achieved": 20.0, "constraint": 12},
    },
    "utilization": {
        "TRELLIS_COMB": {"available": 24288, "used": 1215},
        "TRELLIS_FF": {"available": 24288, "used": 535},
        "DP16KD": {"available": 56, "used": 3},
        "MULT18X18D": {"available": 28, "used": 0},
        "DCCA": {"available": 56, "used": 1},
    },
    "critical_paths": [
        {
            "from": "posedge a",
            "to": "posedge a",
            "path": [
                {
                    "type": "clk-to-q",
                    "delay": 0.5,
                    "from": {"cell": "first"},
                    "to": {"cell": "first"},
                },
                {
                    "type": "routing",
                    "delay": 1.25,
                    "from": {"cell": "first"},
                    "to": {"cell": "middle"},
                },
                {
                    "type": "logic",
                    "delay": 0.25,
                    "from": {"cell": "middle"},
                    "to": {"cell": "middle"},
                },
                {
                    "type": "routing",
                    "delay": 1.0,
                    "from": {"cell": "middle"},
                    "to": {"cell": "last"},
                },
                {"type": "setup", "delay": 0.0, "from": {"cell": "last"}, "to": {"cell": "last"}},
            ],
        },
        {
            "from": "posedge a",
            "to": "<async>",
            "path": [
                {"type": "clk-to-q", "delay": 9.0, "from": {"cell": "x"}, "to": {"cell": "x"}}
            ],
        },
    ],
}
"""A report of nextpnr 0.11, shortened."""


def settings_of(name, clock_hz=None, lanes=1):
    board = find_board(name)
    machine = MachineParameters(random_network(3), lanes)
    return BuildSettings(machine, board, clock_hz or board.clock_hz)


def recorded_tools(monkeypatch):
    """Return a list that grows by a stage's name whenever its tool runs."""
    ran, run = [], Stage.run

    def record(stage, folder):
        ran.append(stage.name)
        run(stage, folder)

    monkeypatch.setattr(Stage, "run", record)
    return ran


def sized_network(*sizes, bits=8):
    """A network of these numbers of neurons, inputs first; all weights are 1."""
    layers = tuple(
        Layer(Dense(np.ones(size, np.int8)), Neuron(100), weight_bits=bits)
        for size in pairwise(sizes)
    )
    encoder = Intensity((28, 28), 1, np.arange(sizes[0], dtype=np.int32), np.zeros(256, np.int16))
    return Network(encoder, layers, FirstSpike(), 4, 12, tuple(map(str, range(sizes[-1]))))


def maps(*channels, bits=8):
    """A network of convolutions, 5x5 with stride 2, and ten outputs, on 28x28 pixels."""
    rng, shape, layers = np.random.default_rng(1), (28, 28, 1), []
    for count in channels:
        weight = rng.integers(-1, 2, (shape[2], 5, 5, count)).astype(np.int8)
        layers.append(Layer(Convolution(weight, shape, 2), Neuron(9), weight_bits=bits))
        shape = layers[-1].connection.output

    weight = rng.integers(-1, 2, (layers[-1].fan_out, 10)).astype(np.int8)
    layers.append(Layer(Dense(weight), Neuron(9), weight_bits=bits))
    encoder = Intensity((28, 28), 1, np.arange(784, dtype=np.int32), np.zeros(256, np.int16))
    return Network(encoder, tuple(layers), FirstSpike(), 2, 9, tuple("0123456789"))
