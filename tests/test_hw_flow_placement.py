"""Every store of weight rows against the rows themselves: the same words at the same pace, wherever
they lie.
"""

import random
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator
from hypothesis import given, settings

from hw.bench.flash_chip import WithFlash
from hw.boards.table import find_board
from hw.flow.placement import place_weights
from hw.flow.reuse import placeholder
from hw.parameters import MachineParameters
from hw.rows import BLOCK, LOGIC, PIECE, SPRAM, Rows, flash
from hw.storage.block import BlockStore, BlockWords
from hw.storage.flash import (
    COMMAND_BITS,
    DESELECT_CYCLES,
    HEADER_BYTES,
    FlashStore,
    image,
    row_cycles,
)
from hw.storage.spram import SpramStore
from random_networks import seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

WAKE_CYCLES = 16


def latency(store, rows, fold):
    """Cycles from a row to its word of that fold."""
    if isinstance(store, FlashStore):
        return 1 + 2 * (COMMAND_BITS + 8 * rows.word_bytes * (fold + 1) // store.wires)
    return 2 + fold


def whole(store, rows, count):
    """Cycles that so many rows take at most, from reset to rest, asked for without a pause."""
    if isinstance(store, FlashStore):
        waking = WAKE_CYCLES + sum(DESELECT_CYCLES + 2 * bits for _, bits in store.first)
        return (
            waking
            + 2 * 8 * HEADER_BYTES // store.wires
            + count * row_cycles(rows, store.wires)
            + DESELECT_CYCLES
        )
    return count * rows.folds + 3


def random_rows(seed):
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(1, 9))
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    fan_in, fan_out = (int(size) for size in rng.integers(1, 12, 2))
    weight = rng.integers(low, high, (fan_in, fan_out)).astype(np.int8)
    return Rows(
        Layer(Dense(weight), Neuron(1), weight_bits=bits), int(rng.integers(1, fan_out + 1))
    )


def run(dut, testbench):
    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()


async def load(ctx, port, words, rng):
    """Write every word, in any order and some of them twice; then read them all back."""
    places = [*range(len(words)), *rng.choices(range(len(words)), k=3)]
    rng.shuffle(places)
    for place in places:
        ctx.set(port.write, 1)
        ctx.set(port.address, place)
        ctx.set(port.data, words[place])
        await ctx.tick()
        ctx.set(port.write, 0)
        await ctx.tick().repeat(rng.randrange(1, 3))
    ctx.set(port.read, 1)
    for place, word in enumerate(words):
        ctx.set(port.address, place)
        await ctx.tick()
        assert ctx.get(port.word) == word
    ctx.set(port.read, 0)
    ctx.set(port.address, rng.randrange(len(words)))  # means nothing without a strobe


@pytest.mark.parametrize(
    ("kind", "piece"),
    [(BlockStore, PIECE), (BlockStore, 4), (SpramStore, PIECE), (1, PIECE), (2, PIECE), (4, PIECE)],
)
@settings(max_examples=15)
@given(seeds)
def test_a_store_gives_the_rows_asked_for_at_its_pace(kind, piece, seed):
    """Asked without a pause it gives a word per cycle; asked with pauses, each row comes 2 cycles
    later, at once.

    Flash takes two cycles per bit of its one wire, or for as many bits as it has wires.
    """
    rows, rng = random_rows(seed), random.Random(seed)
    if isinstance(kind, int):
        store = FlashStore(rows, kind)
    elif kind is BlockStore:
        store = BlockStore(rows, BlockWords(rows, piece=piece))
    else:
        store = kind(rows)
    words, dut, found, expected = rows.pack(), store, {}, {}
    if isinstance(store, FlashStore):
        dut = WithFlash(dut, image(rows, seed))

    async def testbench(ctx):
        if isinstance(store, SpramStore):
            await load(ctx, dut.words, words, rng)
        pending = rng.choices(range(rows.layer.fan_in), k=6)
        pause, cycle, offering = rng.choice((0, 0.5)), 0, False
        while pending or not ctx.get(dut.idle):
            offering = bool(pending) and (offering or rng.random() >= pause)
            ctx.set(dut.i.valid, offering)
            ctx.set(dut.i.payload, pending[0] if offering else 0)
            *_, ready, valid, word = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, Value.cast(dut.o.payload)
            )
            if offering and ready:
                first = pending.pop(0) * rows.folds
                expected.update(
                    {
                        cycle + latency(store, rows, fold): words[first + fold]
                        for fold in range(rows.folds)
                    }
                )
                offering = False
            if valid:
                found[cycle] = word
            cycle += 1
        assert pause or cycle <= whole(store, rows, 6)

    with patch("hw.storage.flash.WAKE_CYCLES", WAKE_CYCLES):
        run(dut, testbench)
    assert found == expected


def network_of(*sizes, bits=8):
    layers = tuple(
        Layer(Dense(np.ones(size, np.int8)), Neuron(100), weight_bits=bits)
        for size in pairwise(sizes)
    )
    encoder = Intensity((28, 28), 1, np.arange(sizes[0], dtype=np.int32), np.zeros(256, np.int16))
    return Network(encoder, layers, FirstSpike(), 4, 12, tuple(map(str, range(sizes[-1]))))


@pytest.mark.parametrize(
    ("sizes", "lanes", "board", "expected"),
    [
        ((784, 600, 10), 40, "ulx3s-85f", (BLOCK, LOGIC)),
        ((784, 500, 10), 40, "ulx3s-85f", (BLOCK, BLOCK)),
        ((784, 600, 10), 40, "ulx3s-25f", (flash(2), BLOCK)),
        ((784, 600, 10), 40, "icepi-zero", (flash(4), BLOCK)),
        ((784, 600, 10), 40, "none-ecp5-25f", (BLOCK, BLOCK)),  # no remedy: hw check says so
        ((784, 800, 800, 10), 40, "ulx3s-25f", (BLOCK, BLOCK, BLOCK)),  # nor here
        ((784, 160, 10), 8, "icebreaker", (SPRAM, BLOCK)),
        ((784, 600, 10), 8, "icebreaker", (flash(4), BLOCK)),
        ((784, 600, 10), 8, "hx8k-breakout", (flash(2), BLOCK)),
    ],
)
def test_weights_are_stored_where_there_is_room(sizes, lanes, board, expected):
    machine = place_weights(MachineParameters(network_of(*sizes), lanes), find_board(board))
    assert machine.placement == expected
    if LOGIC in expected:
        with pytest.raises(InputError, match="layer 1 is stored in logic"):
            placeholder(machine)


@pytest.mark.parametrize(
    ("placement", "problem"),
    [
        ((BLOCK,), "must have one value for each of 2 layers, not 1"),
        ((flash(1), flash(1)), "flash stores the weights of one layer, not of 2"),
        ((SPRAM, SPRAM), "spram stores the weights of one layer, not of 2"),
    ],
)
def test_a_placement_that_cannot_be_is_refused(placement, problem):
    with pytest.raises(InputError, match=problem):
        MachineParameters(network_of(4, 3, 2), placement=placement)


@pytest.mark.parametrize(
    ("sizes", "lanes", "board", "wanted", "remedy"),
    [
        ((784, 160, 10), 8, "ulx3s-85f", "spram", "has no SPRAM; give --weights block"),
        (
            (784, 160, 10),
            160,
            "icebreaker",
            "auto",
            "784 words of 1280 bits take 80 SPRAMs and up5k has 4; give --lanes 8",
        ),
        (
            (784, 600, 10),
            8,
            "icebreaker",
            "spram",
            "take 16 SPRAMs and up5k has 4; take fewer inputs or neurons",
        ),
        (
            (784, 160, 10),
            8,
            "none-ecp5-25f",
            "flash",
            "none-ecp5-25f has no flash that we know; give --weights block",
        ),
        (
            (784, 3000, 10),
            8,
            "ulx3s-25f",
            "flash",
            "2352004 bytes do not fit into 2097152 of flash; take fewer",
        ),
    ],
)
def test_weights_that_nothing_holds_are_refused(sizes, lanes, board, wanted, remedy):
    with pytest.raises(InputError, match=remedy):
        place_weights(MachineParameters(network_of(*sizes), lanes), find_board(board), wanted)
