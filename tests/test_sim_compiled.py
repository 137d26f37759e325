"""A readout that nobody has heard of takes its seat in the obvious and in the compiled machine."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from numba.core.caching import NullCache

import sim
from command_lines import write_network
from random_networks import random_images, random_network, seeds
from sim import batch
from sim.compiled import HERE, compiled_folder, jit
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
    folders: list[Any] = [compiled_folder.__wrapped__()]
    part = copy / "readouts" / "first_spike.py"
    part.write_text(part.read_text().replace(">= level", "> level"))
    folders.append(compiled_folder.__wrapped__())
    assert folders[0].name != folders[1].name


def test_without_a_place_to_keep_it_a_loop_is_compiled_all_the_same(monkeypatch):
    monkeypatch.setattr("sim.compiled.HERE", Path("/dev/null/sim"))
    monkeypatch.setattr("sim.compiled.user_cache", lambda: Path("~"))
    monkeypatch.setattr("sim.compiled._config.CACHE_DIR", "")
    monkeypatch.setattr("sim.compiled.compiled_folder", compiled_folder.__wrapped__)

    @jit()
    def double(value):
        return 2 * value

    assert double(21) == 42
    assert double._cache.cache_path is None


def test_without_a_home_every_package_starts(tmp_path):
    """A container, or a checkout that is only read: files can be made nowhere but in /tmp."""
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), "/dev/null/nowhere")
    code = f"""
from sim.batch import run
from sim.commands.parser import main
from sim.files import cache_folder

folder = cache_folder()
assert folder.is_dir() and "/dev/null" not in str(folder)
main(["describe", {str(tmp_path)!r}, "--json"])
print(folder)
"""
    write_network(tmp_path, seed=11, images=0)
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **nowhere}
    )
    assert done.returncode == 0, done.stderr
    *description, folder = done.stdout.splitlines()
    assert "layers" in json.loads("".join(description))
    assert not Path(folder).exists()
