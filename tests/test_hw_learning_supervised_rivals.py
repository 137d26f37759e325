"""The judge of a lesson against step 2 of :mod:`sim.learning.supervised`."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings

from hw.learning.supervised.rivals import Judge
from random_networks import seeds
from sim.learning.supervised import Rule, wanted
from testbenches import pulse, simulate

ROUNDS = 12


@settings(max_examples=12)
@given(seeds)
def test_the_judge_wants_of_each_output_what_sim_wants(seed):
    """Few ticks, so that many outputs fire together; a label that is silent, or first, or late."""
    rng = np.random.default_rng(seed)
    classes, last_tick = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    network = SimpleNamespace(classes=range(classes), last_tick=last_tick)
    rule = Rule(int(rng.integers(0, 4)), 0, int(rng.integers(1, 4)))
    dut, silent = Judge(network, rule), last_tick + 1

    async def settle(ctx):
        """Judge until it is settled; return whether the image teaches anything."""
        for cycles in range(classes + 1):
            ctx.set(dut.judge, 1)
            settled, teaches = ctx.get(dut.settled), ctx.get(dut.teaches)
            await ctx.tick()
            if settled:
                assert cycles < rule.rivals
                ctx.set(dut.judge, 0)
                return teaches
        raise AssertionError("it does not settle")

    async def testbench(ctx):
        for _ in range(ROUNDS):
            label, ticks = int(rng.integers(classes)), rng.integers(0, silent + 1, classes)
            end = min(ticks[label] + rule.margin, last_tick)
            ticks = np.where(ticks > end, silent, ticks)  # the image ended before they could fire
            ctx.set(dut.label, label)
            for index, tick in enumerate(ticks.tolist()):
                ctx.set(dut.fired[index], tick)
            for tick in range(silent):
                ctx.set(dut.tick, tick)
                assert ctx.get(dut.ended) == (tick >= ticks[label] + rule.margin)

            sign = wanted(network, SimpleNamespace(output_tick=ticks), label, rule)
            assert await settle(ctx) == sign.any()
            if sign.any():
                up, down = ctx.get(dut.up), ctx.get(dut.down)
                found = [(up >> index & 1) - (down >> index & 1) for index in range(classes)]
                assert found == sign.tolist()
            await pulse(ctx, dut.clear)

    simulate(dut, testbench)
