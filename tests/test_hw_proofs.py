"""Proofs by bounded model checking: over every input and every stall, not over chosen ones."""

from dataclasses import replace

import numpy as np
import pytest

from formal import ExactPotentials, NothingLost, OneResultPerImage, StableOutput, prove
from hw.encoders.intensity import IntensityEncoder as EncoderHardware
from hw.machine.pipeline import Pipeline
from hw.machine.spike_queue import Queue
from hw.parameters import LayerParameters, MachineParameters
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.fixed_point import Bounds
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike


def small(*weights, threshold=2, last_tick=3):
    """A network so small that all its inputs can be looked at."""
    layers = tuple(
        Layer(Dense(np.array(weight, np.int8)), Neuron(threshold), weight_bits=3)
        for weight in weights
    )
    inputs = layers[0].fan_in
    spike_tick = np.where(np.arange(256) > 200, 0, np.where(np.arange(256) > 100, 1, -1)).astype(
        np.int16
    )
    encoder = Intensity((1, inputs), 1, np.arange(inputs, dtype=np.int32), spike_tick)
    classes = tuple(str(index) for index in range(layers[-1].fan_out))
    return Network(encoder, layers, FirstSpike(), 1, last_tick, classes)


DEEP = small([[3, -4], [1, 2], [-1, 3]], [[3, -1], [2, 3]])
TINY = small([[3, 1]], [[3], [-1]], last_tick=1)
FLAT = small([[3, -4], [-4, 3]], last_tick=2)


def queue(neurons, lanes, group=8):
    layer = Layer(Dense(np.ones((1, neurons), np.int8)), Neuron(1))
    return Queue(
        LayerParameters(layer, lanes, 1, 3, Bounds(-1, 0), Bounds(-1, 1), output=False, group=group)
    )


@pytest.mark.parametrize(
    ("neurons", "lanes", "group"),
    [(4, 4, 4), (5, 5, 2), (4, 2, 2), (3, 1, 1), pytest.param(6, 3, 2, marks=pytest.mark.slow)],
)
def test_a_queue_loses_and_invents_nothing(neurons, lanes, group, tmp_path):
    assert prove(NothingLost(queue(neurons, lanes, group)), 12, tmp_path) == "PASS"


@pytest.mark.parametrize(
    "component",
    [
        lambda: queue(4, 4),
        lambda: queue(6, 2),
        lambda: queue(6, 3, 2),
        lambda: EncoderHardware(DEEP),
        lambda: Pipeline(MachineParameters(DEEP)),
        lambda: Pipeline(MachineParameters(DEEP, 1)),
        lambda: Pipeline(MachineParameters(DEEP, group=1)),
    ],
    ids=[
        "queue",
        "folded queue",
        "grouped queue",
        "encoder",
        "pipeline",
        "folded pipeline",
        "grouped pipeline",
    ],
)
def test_what_is_offered_stays_until_it_is_taken(component, tmp_path):
    assert prove(StableOutput(component()), 16, tmp_path) == "PASS"


@pytest.mark.parametrize(
    ("lanes", "group"), [(1, 2), (2, 2), pytest.param(2, 1, marks=pytest.mark.slow)]
)
def test_every_image_gives_one_result(lanes, group, tmp_path):
    assert (
        prove(
            OneResultPerImage(Pipeline(MachineParameters(TINY, lanes, group=group))), 18, tmp_path
        )
        == "PASS"
    )


@pytest.mark.parametrize(("lanes", "depth"), [(2, 16), pytest.param(1, 13, marks=pytest.mark.slow)])
def test_no_width_is_too_small(lanes, depth, tmp_path):
    assert (
        prove(ExactPotentials(Pipeline(MachineParameters(FLAT, lanes))), depth, tmp_path) == "PASS"
    )


def test_a_width_that_is_one_bit_too_small_is_found(tmp_path, monkeypatch):
    def narrow(network, index, any_weights=False):
        bounds = whole(network, index, any_weights)
        potential = Bounds(bounds.potential.low // 2, bounds.potential.high // 2)
        return replace(bounds, potential=potential)

    whole = Network.bounds
    monkeypatch.setattr(Network, "bounds", narrow)
    assert prove(ExactPotentials(Pipeline(MachineParameters(FLAT))), 12, tmp_path) == "FAIL"
