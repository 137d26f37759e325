"""Weights in flash: what the wires do, when rows come, and whole machines against sim."""

import random
from unittest.mock import patch

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal, Value
from amaranth.lib.wiring import connect
from hypothesis import given, settings

from hw.bench.flash_chip import FlashChip, WithFlash
from hw.bench.simulate import Simulation, simulate
from hw.parameters import MachineParameters
from hw.rows import Rows, flash
from hw.storage.flash import (
    COMMAND_BITS,
    DESELECT_CYCLES,
    DUMMY_BITS,
    HEADER_BYTES,
    OFFSET,
    READ,
    STATUS_2,
    VOLATILE,
    WAKE,
    FlashStore,
    image,
    row_cycles,
)
from random_layers import random_rows
from random_networks import random_images, random_network, seeds
from sim.connections.dense import Dense
from sim.network import Layer
from sim.neuron import Neuron
from stores import check_store
from testbenches import simulate as run_testbench

WAKE_CYCLES = 50


class Wires:
    """What a flash sees: the bits of every command, and how long it was left alone before; who
    drives what.
    """

    def __init__(self, data):
        self.data, self.commands, self.pauses = data, [], []
        self._selected, self._clock, self._alone = False, 0, 0

    def look(self, cs_n, sck, o, oe):
        """One cycle."""
        held = 0b1100 if self.data < 4 else 0
        assert oe & held & o == held, "WP and HOLD are high where they carry no data"
        if not cs_n and not self._selected:
            assert not sck, "mode 0"
            self.commands.append([])
            self.pauses.append(self._alone)
            self._alone = 0
        if not cs_n and sck and not self._clock:
            sent = len(self.commands[-1])
            if sent < COMMAND_BITS - DUMMY_BITS:
                assert oe == 0b1101, "commands go over one wire"
                assert o & 0b1100 == 0b1100, "the chip is not held"
            else:
                assert oe == held, "the wires are the chip's"
            self.commands[-1].append(o & 1)
        self._alone += cs_n
        self._selected, self._clock = not cs_n, sck


def number(bits):
    return int("".join(map(str, bits)), 2)


def soldered(rows, wires, digest):
    """A store that can be reset, and a chip that is not."""
    store, chip, clear, m = (
        FlashStore(rows, wires),
        FlashChip(image(rows, digest)),
        Signal(),
        Module(),
    )
    m.submodules.store, m.submodules.chip = ResetInserter(clear)(store), chip
    connect(m, store.flash.bus, chip.bus)
    return m, store, clear


def read_rows(rows, data, asked, rng):
    """Ask for rows, break some off at any time, and return what the flash saw; those not broken off
    are right.
    """
    digest = rng.getrandbits(32)
    m, store, clear = soldered(rows, data, digest)
    wires, words = Wires(data), rows.pack()
    bus = store.flash.bus
    seen = [
        bus.cs_n,
        bus.sck,
        bus.o,
        bus.oe,
        store.i.ready,
        store.o.valid,
        Value.cast(store.o.payload),
    ]

    async def testbench(ctx):
        for row in asked:
            ctx.set(store.i.payload, row)
            ctx.set(store.i.valid, 1)
            limit, found = rng.choice((9999, rng.randrange(1, 400))), []
            while limit and len(found) < rows.folds:
                limit -= 1
                ctx.set(clear, limit == 0)
                *_, cs_n, sck, o, oe, ready, valid, word = await ctx.tick().sample(*seen)
                wires.look(cs_n, sck, o, oe)
                if ready:
                    ctx.set(store.i.valid, 0)
                    assert ctx.get(store.flash.digest) == digest
                if valid:
                    found.append(word)
            ctx.set(clear, 0)
            assert not limit or found == words[row * rows.folds : (row + 1) * rows.folds]

    run_testbench(m, testbench)
    return wires


@pytest.mark.parametrize("data", READ)
@settings(max_examples=8)
@given(seeds)
def test_a_row_is_one_read_whatever_was_broken_off(data, seed):
    """Resets at any time, as they begin images, leave the flash its pauses; the next row is
    right.
    """
    rng = random.Random(seed)
    weight = np.random.default_rng(seed).integers(-128, 128, (5, 4)).astype(np.int8)
    rows, asked = (
        Rows(Layer(Dense(weight), Neuron(1), weight_bits=8), rng.randrange(1, 5)),
        [*rng.choices(range(5), k=8), 0],
    )
    row_bytes = rows.folds * rows.word_bytes
    places = {OFFSET + HEADER_BYTES + row * row_bytes for row in asked}
    with patch("hw.storage.flash.WAKE_CYCLES", WAKE_CYCLES):
        wires = read_rows(rows, data, asked, rng)
    wakings = [
        place
        for place, bits in enumerate(wires.commands)
        if len(bits) == 8 and number(bits) == WAKE
    ]
    assert all(pause >= WAKE_CYCLES for pause in wires.pauses[wakings[-1] + 1 : wakings[-1] + 2])
    assert min(wires.pauses) >= DESELECT_CYCLES
    assert wakings[-1] < next(
        place for place, bits in enumerate(wires.commands) if number(bits[8:32] or [0]) in places
    )
    known = {WAKE, READ[data]} | ({VOLATILE, STATUS_2} if data == 4 else set())
    for bits in wires.commands:
        assert len(bits) <= COMMAND_BITS + 8 * max(row_bytes, HEADER_BYTES) // data
        assert len(bits) < 8 or number(bits[:8]) in known
        if len(bits) >= COMMAND_BITS:
            assert number(bits[:8]) == READ[data]
            assert number(bits[8:32]) in places | {OFFSET}


@pytest.mark.parametrize("wires", READ)
@settings(max_examples=15)
@given(seeds)
def test_a_flash_gives_the_rows_asked_for_at_its_pace(wires, seed):
    """Two cycles per bit of its one wire, or for as many bits as it has wires."""
    rows = random_rows(seed)
    store = FlashStore(rows, wires)

    def latency(fold):
        return 1 + 2 * (COMMAND_BITS + 8 * rows.word_bytes * (fold + 1) // wires)

    waking = 16 + sum(DESELECT_CYCLES + 2 * bits for _, bits in store.first)
    digest = 2 * 8 * HEADER_BYTES // wires
    most = waking + digest + 6 * row_cycles(rows, wires) + DESELECT_CYCLES
    with patch("hw.storage.flash.WAKE_CYCLES", 16):
        check_store(WithFlash(store, image(rows, seed)), rows, seed, latency, most)


@pytest.mark.parametrize("seed", range(6))
def test_a_machine_with_weights_in_flash_equals_sim(seed):
    """Any layer of any network; an image costs what its rows cost."""
    network = random_network(seed)
    layer, wires = seed % len(network.layers), 1 << seed % 3
    parameters = MachineParameters(network, 1).with_placement(layer, flash(wires))
    images = random_images(network, 2, seed)
    with patch("hw.storage.flash.WAKE_CYCLES", WAKE_CYCLES):
        found = list(simulate(Simulation(parameters, "amaranth"), images))
    cycles = row_cycles(parameters.layers[layer].rows, wires)
    for trace in found:
        # of the rows counted, the last may have been broken off by the decision
        assert trace.cycles >= (trace.events[layer] - 1) * cycles
