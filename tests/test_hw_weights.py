"""Every store of weight rows against the rows themselves: the same words at the same pace, wherever they lie."""

import random

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator
from hypothesis import given, settings

from hw.spram import SpramStore
from hw.weights import BlockStore, Rows
from random_networks import seeds
from sim.network import Layer

LATENCY_CYCLES = 2


def random_rows(seed):
    rng = np.random.default_rng(seed)
    bits = int(rng.integers(1, 9))
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    fan_in, fan_out = (int(size) for size in rng.integers(1, 12, 2))
    weight = rng.integers(low, high, (fan_in, fan_out)).astype(np.int8)
    return Rows(Layer(weight, 1, bits), int(rng.integers(1, fan_out + 1)))


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


@pytest.mark.parametrize("store", [BlockStore, SpramStore])
@settings(max_examples=15)
@given(seeds)
def test_a_store_gives_the_rows_asked_for_at_its_pace(store, seed):
    """Asked without a pause it gives a word per cycle; asked with pauses, each row comes 2 cycles later, at once."""
    rows, rng = random_rows(seed), random.Random(seed)
    words, dut, found, expected = rows.pack(), store(rows), {}, {}

    async def testbench(ctx):
        if store is SpramStore:
            await load(ctx, dut.words, words, rng)
        pending = rng.choices(range(rows.layer.fan_in), k=6)
        pause, cycle, offering = rng.choice((0, 0.5)), 0, False
        while pending or not ctx.get(dut.idle):
            offering = bool(pending) and (offering or rng.random() >= pause)
            ctx.set(dut.i.valid, offering)
            ctx.set(dut.i.payload, pending[0] if offering else 0)
            *_, ready, valid, word = await ctx.tick().sample(dut.i.ready, dut.o.valid, Value.cast(dut.o.payload))
            if offering and ready:
                first = pending.pop(0) * rows.folds
                expected.update({cycle + LATENCY_CYCLES + fold: words[first + fold] for fold in range(rows.folds)})
                offering = False
            if valid:
                found[cycle] = word
            cycle += 1
        assert pause or cycle <= 6 * rows.folds + LATENCY_CYCLES + 1

    run(dut, testbench)
    assert found == expected
