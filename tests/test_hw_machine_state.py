"""Where state is kept: what an image starts from, and that nothing of the image before is seen."""

import random

import numpy as np
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.machine.state import Folds, folded, registers, start_words
from hw.parameters import MachineParameters
from random_networks import any_network, seeds
from testbenches import simulate

BITS = 6


@settings(max_examples=60)
@given(seeds, st.booleans())
def test_start_words_are_the_potentials_that_each_fold_starts_from(seed, dense):
    """Modulo their width; a lane without a neuron has no start, and no word is kept twice."""
    network, rng = any_network(seed, dense), random.Random(seed)
    widest = max(layer.connection.channels_out for layer in network.layers)
    for layer in MachineParameters(network, rng.randint(1, widest)).layers:
        origin = rng.randint(-40, 40)
        words = start_words(layer, origin, BITS)
        assert layer.folds % len(words) == 0
        potentials = np.array(words * (layer.folds // len(words))).ravel()
        expected = np.zeros(layer.folds * layer.lanes, np.int64)
        expected[: layer.layer.fan_out] = layer.layer.starts()
        assert ((potentials - expected - origin) % (1 << BITS) == 0).all()
        assert set(potentials.tolist()) <= set(range(-(1 << BITS - 1), 1 << BITS - 1))
        alike = len({tuple(word) for word in words}) == 1
        assert (
            len(words) == 1 if alike else len(words) in (layer.rows.folds_per_position, layer.folds)
        )


class Kept(wiring.Component):
    """State of one lane, in a memory or in a register; the new value is the old one plus one."""

    def __init__(self, start, folds, attributes):
        self.start, self.folds, self.attributes = start, folds, attributes
        self.reads, self.write, self.clear = Signal(range(folds)), Signal(), Signal()
        self.value = Signal(signed(BITS))
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        if self.folds == 1:
            (now,), (then,) = registers(
                m, "kept", signed(BITS), self.start[0], [self.write], [self.clear]
            )
        else:
            writes = Signal.like(self.reads)
            m.d.sync += writes.eq(self.reads)
            folds = Folds(self.reads, self.reads, writes, writes == self.folds - 1, self.folds)
            control = self.write, self.clear
            (now,), (then,) = folded(
                m, "kept", signed(BITS), self.start, folds, control, self.attributes
            )
        m.d.comb += [self.value.eq(now), then.eq(now + 1)]
        return m


@settings(max_examples=30)
@given(seeds)
def test_an_image_starts_anew_until_one_pass_has_written_all_folds(seed):
    rng = random.Random(seed)
    folds = rng.choice([1, 2, 3, 5])
    alike = rng.random() < 0.4
    starts = (
        [rng.randint(-20, 20)] * folds if alike else [rng.randint(-20, 20) for _ in range(folds)]
    )
    attributes = rng.choice([{}, {"ram_style": "logic"}])  # of logic the starts are constants
    dut = Kept([[value] for value in (starts[:1] if alike else starts)], folds, attributes)

    async def testbench(ctx):
        for _ in range(4):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            values = list(starts)
            for _ in range(rng.randrange(4)):
                for fold in range(folds):
                    ctx.set(dut.reads, fold)
                    await ctx.tick()
                    assert ctx.get(dut.value) == values[fold]
                    ctx.set(dut.write, 1)
                    await ctx.tick()
                    ctx.set(dut.write, 0)
                    values[fold] += 1
            # An image may be cut within a pass.
            for fold in range(rng.randrange(folds)):
                ctx.set(dut.reads, fold)
                await ctx.tick()
                ctx.set(dut.write, 1)
                await ctx.tick()
                ctx.set(dut.write, 0)

    simulate(dut, testbench)
