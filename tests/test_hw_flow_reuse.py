"""Weights exchanged in a routed bitstream: the same bits as a build with those weights, and no
other structure.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

from hw.boards.table import find_board
from hw.flow import settings
from hw.flow.build import WORK, build
from hw.flow.reuse import Content, check_structure, exchange, structure
from hw.flow.settings import BuildSettings
from hw.fpga.ecp5 import ECP5
from hw.fpga.ice40 import ICE40
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from small_builds import recorded_tools


def network_of(seed, hidden=10):
    rng = np.random.default_rng(seed)
    encoder = Intensity(
        (10, 10),
        1,
        np.arange(100, dtype=np.int32),
        np.where(np.arange(256) > 127, 0, -1).astype(np.int16),
    )
    sizes = ((100, hidden), (hidden, 3))
    layers = tuple(
        Layer(Dense(rng.integers(-8, 8, size).astype(np.int8)), Neuron(20), weight_bits=4)
        for size in sizes
    )
    return Network(encoder, layers, FirstSpike(), 4, 12, ("0", "1", "2"))


def settings_of(name, network):
    board = find_board(name)
    return BuildSettings(MachineParameters(network, 5), board, board.clock_hz, reuse=True)


def test_weights_are_exchanged_there_and_back_without_placing(tmp_path, monkeypatch):
    """The first network's bitstream is the same after the second one's; whether they are right, the
    next test sees.
    """
    first, second = network_of(1), network_of(2)
    before = build(settings_of("ulx3s-25f", first), tmp_path).bitstream.read_bytes()
    ran = recorded_tools(monkeypatch)
    there = build(settings_of("ulx3s-25f", second), tmp_path).bitstream.read_bytes()
    back = build(settings_of("ulx3s-25f", first), tmp_path).bitstream.read_bytes()
    assert ran == ["bitstream", "bitstream"]
    assert there != before == back
    with pytest.raises(InputError, match=r"differs in network structure \(\w{8} there, \w{8} here"):
        build(settings_of("ulx3s-25f", network_of(3, hidden=12)), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("ulx3s-25f", marks=pytest.mark.many), "icebreaker"])
def test_exchanged_bitstream_is_that_of_a_build_with_those_weights(name, tmp_path, monkeypatch):
    """The second network takes the first one's place, and nothing is placed; a build from its
    weights is the same.
    """
    first, second = network_of(1), network_of(2)
    before = build(settings_of(name, first), tmp_path / "kept").bitstream.read_bytes()
    ran = recorded_tools(monkeypatch)
    built = build(settings_of(name, second), tmp_path / "kept")
    assert ran == ["bitstream"]
    assert built.bitstream.read_bytes() != before
    monkeypatch.setattr(
        settings, "placeholder", lambda pipeline: replace(pipeline, exchangeable=True)
    )
    whole = build(settings_of(name, second), tmp_path / "whole")
    assert built.bitstream.read_bytes() == whole.bitstream.read_bytes()
    with pytest.raises(InputError, match=r"differs in network structure \(\w{8} there, \w{8} here"):
        build(settings_of(name, network_of(3, hidden=12)), tmp_path / "kept")
    assert (tmp_path / "kept" / WORK / "structure.json").is_file()


def words_of(seed, count=300, bits=10):
    return np.random.default_rng(seed).integers(0, 1 << bits, count).tolist()


def test_memory_that_is_not_there_or_too_small_is_refused():
    old, new = ([Content(10, words_of(seed))] for seed in (1, 2))
    with pytest.raises(InputError, match="memory 0 is not found"):
        exchange(".device 5k\n", ICE40.block_format, old, new)
    small = [Content(4, [5, 5])]
    with pytest.raises(InputError, match="too small"):
        exchange("", ECP5.block_format, small, small)


def test_what_differs_is_named(tmp_path):
    machine = MachineParameters(network_of(1), 5)
    routed = structure(machine, "icebreaker", 1_000_000)
    check_structure(
        routed, structure(MachineParameters(network_of(2), 5), "icebreaker", 1_000_000), tmp_path
    )
    for other, difference in (
        (structure(machine, "none-up5k", 1_000_000), "board (icebreaker there, none-up5k here)"),
        (structure(machine, "icebreaker", 500_000), "baud (1000000 there, 500000 here)"),
        (
            structure(MachineParameters(network_of(1), 10), "icebreaker", 1_000_000),
            "lanes (5 there, 10",
        ),
        (
            structure(machine.with_placement(0, SPRAM), "icebreaker", 1_000_000),
            "placement (['block', 'block'] there, ['spram', 'block'] here)",
        ),
        (
            structure(MachineParameters(network_of(1, hidden=12), 5), "icebreaker", 1_000_000),
            "network structure (",
        ),
    ):
        with pytest.raises(InputError, match=re.escape(f"differs in {difference}")):
            check_structure(routed, other, tmp_path)
