"""Weights that a host loads, where there is no host."""

from dataclasses import replace

import numpy as np
import pytest

from hw.bench import simulate as simulation_module
from hw.bench.loader import WithLoader
from hw.bench.simulate import DifferenceError, Simulation, simulate
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from random_networks import random_images, random_network


@pytest.mark.parametrize("seed", range(6))
def test_loaded_weights_decide_as_sim_at_once_and_at_any_pace(seed):
    network = random_network(seed)
    layer = seed % len(network.layers)
    widest = max(layer.fan_out for layer in network.layers)
    machine = MachineParameters(network, 1 + seed % widest).with_placement(layer, SPRAM)
    simulation, images = Simulation(machine, "amaranth"), random_images(network, 3, seed)
    assert len(list(simulate(simulation, images))) == 3
    assert len(simulation.run(images, seed=seed)) == 3


def test_it_is_the_loaded_weights_that_count(monkeypatch):
    """Nothing but what the loader brings is in that memory."""
    network = random_network(3)
    machine = MachineParameters(network, 1).with_placement(0, SPRAM)

    def zeros(component, rows, layer):
        nothing = rows.layer.with_weight(np.zeros_like(rows.layer.weight))
        return WithLoader(component, replace(rows, layer=nothing), layer)

    monkeypatch.setattr(simulation_module, "WithLoader", zeros)
    images = random_images(network, 20, 3)
    with pytest.raises(DifferenceError, match="image "):
        list(simulate(Simulation(machine, "amaranth"), images))
