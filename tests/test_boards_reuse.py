"""Weights exchanged in a routed bitstream: the same bits as a build with those weights, and no
other structure.
"""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator

from hw.boards.digest import DEPTH, Digest
from hw.boards.table import find_board
from hw.flow import settings
from hw.flow.build import WORK, build
from hw.flow.reuse import Content, exchange
from hw.flow.settings import Settings
from hw.machine.pipeline import Parameters
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike


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
    return Settings(Parameters(network, 5), board, board.clock_hz, reuse=True)


@pytest.mark.parametrize("name", ["ulx3s-25f", pytest.param("icebreaker", marks=pytest.mark.slow)])
def test_exchanged_bitstream_is_that_of_a_build_with_those_weights(name, tmp_path, monkeypatch):
    """The second network takes the first one's place, and nothing is placed; a build from its
    weights is the same.
    """
    first, second = network_of(1), network_of(2)
    before = build(settings_of(name, first), tmp_path / "kept").bitstream.read_bytes()
    built = build(settings_of(name, second), tmp_path / "kept")
    assert max(built.seconds[stage] for stage in ("synthesis", "place and route")) < 0.5
    assert built.bitstream.read_bytes() != before
    monkeypatch.setattr(
        settings, "placeholder", lambda pipeline: replace(pipeline, exchangeable=True)
    )
    whole = build(settings_of(name, second), tmp_path / "whole")
    assert built.bitstream.read_bytes() == whole.bitstream.read_bytes()
    with pytest.raises(
        InputError, match=r"another structure: layers \(\[\[100, 10\], \[10, 3\]\] there"
    ):
        build(settings_of(name, network_of(3, hidden=12)), tmp_path / "kept")
    assert (tmp_path / "kept" / WORK / "structure.json").is_file()


def test_digest_is_read_from_its_memory():
    dut = Digest(0x12345678)

    async def testbench(ctx):
        await ctx.tick().repeat(DEPTH + 1)
        for _ in range(3):  # and stays
            assert ctx.get(dut.value) == 0x12345678
            await ctx.tick().repeat(DEPTH)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def words_of(seed, count=300, bits=10):
    return np.random.default_rng(seed).integers(0, 1 << bits, count).tolist()


def test_memory_that_is_not_there_or_too_small_is_refused():
    old, new = ([Content(10, words_of(seed))] for seed in (1, 2))
    with pytest.raises(InputError, match="memory 0 is not found"):
        exchange(".device 5k\n", "ice40", old, new)
    small = [Content(4, [5, 5])]
    with pytest.raises(InputError, match="too small"):
        exchange("", "ecp5", small, small)
