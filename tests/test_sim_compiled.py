"""A readout that nobody has heard of takes its seat in the obvious and in the compiled machine."""

import shutil
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from numba.core.caching import NullCache

import sim
from random_networks import random_images, random_network, seeds
from sim import batch
from sim.compiled import HERE, cache_folder
from sim.neuron import Neurons
from sim.readouts import READOUTS


@dataclass
class Asked:
    """Counts the ticks of a sample."""

    tick: int = -1

    def ended(self, output: Neurons) -> bool:
        self.tick += 1
        return self.tick == 1

    def winner(self, output: Neurons) -> int:
        return 0


@dataclass(frozen=True)
class Zero:
    """Answers class 0 at tick 1."""

    early: ClassVar[bool] = True
    fires: ClassVar[bool] = True
    counts: ClassVar[bool] = False

    def start(self, classes: int) -> Asked:
        return Asked()

    def compiled(self) -> "CompiledZero":
        return CompiledZero(1)


class CompiledZero(NamedTuple):
    end: int

    @staticmethod
    def start(readout: Any, classes: Any) -> Any:
        return np.full(1, -1)

    @staticmethod
    def ended(readout: Any, memory: Any, potential: Any, level: Any) -> Any:
        memory[0] += 1
        return memory[0] == readout.end

    @staticmethod
    def winner(readout: Any, memory: Any, potential: Any, spikes: Any) -> Any:
        return 0


@pytest.fixture(scope="module")
def row():
    """The row of the table; what is compiled for it is not kept, as nobody else finds its class."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(READOUTS, "zero", Zero)
        for loop in (batch._run_samples, batch._run_sample):
            patch.setattr(loop, "_cache", NullCache())
        yield


@pytest.mark.usefixtures("row")
@given(seeds)
def test_a_readout_is_one_class_and_one_row(seed):
    network = random_network(seed)
    layers = tuple(replace(layer, weight_bits=8) for layer in network.layers)
    network = replace(network, layers=layers, readout=Zero())
    images = random_images(network, 4, seed)
    decisions = sim.run_batch(network, images)

    found = [decisions.to_json(index) for index in range(len(images))]
    assert found == [sim.run(network, image).to_json() for image in images]
    ends = {(each["decision"], each["tick"], each["timed_out"]) for each in found}
    assert ends == {(0, 1, False)}


def test_top_level_names_are_imported_when_they_are_used():
    assert sim.__all__ == ["Report", "load", "run", "run_batch"]
    assert all(callable(getattr(sim, name)) for name in sim.__all__)
    assert not hasattr(sim, "nothing")


def test_what_is_compiled_is_forgotten_when_a_part_changes(monkeypatch, tmp_path):
    copy = tmp_path / "sim"
    shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("sim.compiled.HERE", copy)
    folders = [cache_folder.__wrapped__()]
    part = copy / "readouts" / "first_spike.py"
    part.write_text(part.read_text().replace(">= level", "> level"))
    folders.append(cache_folder.__wrapped__())
    assert folders[0].name == cache_folder().name != folders[1].name
