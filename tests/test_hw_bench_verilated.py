"""The compiled model needs tools, and says which."""

import pytest

from hw.bench.simulate import Simulation
from hw.parameters import MachineParameters
from random_networks import random_network
from sim.errors import InputError


def test_a_missing_tool_is_one_sentence(monkeypatch):
    monkeypatch.setenv("YOSYS", "no-such-yosys")
    with pytest.raises(InputError, match="no-such-yosys: no such program; install it with"):
        Simulation(MachineParameters(random_network(12345), 1))
