"""Several layers ask one memory: each gets its own words, in order, and none of the others'."""

import random

import numpy as np
from amaranth.hdl import Value
from hypothesis import given, settings

from hw.rows import Rows, joined
from hw.storage.shared import SharedStore
from random_layers import random_weights
from random_networks import seeds
from stores import load_words
from testbenches import simulate

LAYERS = (0, 2, 3)
"""Indices of the layers that share."""


def random_layers(seed):
    """Rows of three layers of any sizes, weight widths and lanes."""
    rng = np.random.default_rng(seed)
    found = {}
    for index in LAYERS:
        fan_in, fan_out, bits = (int(size) for size in rng.integers(1, 7, 3))
        layer = random_weights(rng, fan_in, fan_out, bits)
        found[index] = Rows(layer, int(rng.integers(1, fan_out + 1)))
    return found


@settings(max_examples=20)
@given(seeds)
def test_each_layer_gets_the_words_that_it_asked_for(seed):
    rows, rng = random_layers(seed), random.Random(seed)
    dut, found = SharedStore(rows), {index: [] for index in LAYERS}
    asked = {index: rng.choices(range(each.depth), k=10) for index, each in rows.items()}

    async def testbench(ctx):
        await load_words(ctx, dut.words, joined(rows).pack(), rng)
        pending = {index: list(words) for index, words in asked.items()}
        ports = {index: getattr(dut.layers, f"layer_{index}") for index in LAYERS}
        while any(pending.values()) or not all(ctx.get(port.idle) for port in ports.values()):
            for index, port in ports.items():
                offers = bool(pending[index]) and rng.random() < 0.6
                ctx.set(port.i.valid, offers)
                ctx.set(port.i.payload, pending[index][0] if offers else 0)
            streams = [
                (port.i.valid, port.i.ready, port.o.valid, Value.cast(port.o.payload))
                for port in ports.values()
            ]
            _, _, *sampled = await ctx.tick().sample(*[each for four in streams for each in four])
            taken = 0
            for number, index in enumerate(LAYERS):
                asks, ready, valid, word = sampled[4 * number : 4 * number + 4]
                if asks and ready:
                    pending[index].pop(0)
                    taken += 1
                if valid:
                    found[index].append(word)
            assert taken <= 1

    simulate(dut, testbench)
    for index in LAYERS:
        words = rows[index].pack()
        assert found[index] == [words[word] for word in asked[index]]


def test_the_last_layer_goes_first_and_a_word_comes_two_cycles_later():
    rows = random_layers(3)
    dut, order = SharedStore(rows), []

    async def testbench(ctx):
        ports = [getattr(dut.layers, f"layer_{index}") for index in LAYERS]
        for port in ports:
            ctx.set(port.i.valid, 1)
        for cycle in range(5):
            for number, port in enumerate(ports):
                if ctx.get(port.o.valid):
                    order.append((cycle, number))
            taken = [port for port in ports if ctx.get(port.i.valid & port.i.ready)]
            await ctx.tick()
            for port in taken:
                ctx.set(port.i.valid, 0)

    simulate(dut, testbench)
    assert order == [(2, 2), (3, 1), (4, 0)]
