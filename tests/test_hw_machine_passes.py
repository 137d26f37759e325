"""When which folds are asked: at each tick of a window, again only where that may do anything."""

import random

from hypothesis import given, settings

from first_layers import first_layer
from hw.machine.passes import Passes
from random_networks import seeds
from testbenches import simulate

IMAGES = 3


def expected(layer, reached):
    """Return per advance the folds that are asked and whether it is the first time.

    :param reached: the folds of which it is said that some neuron may fire.
    """
    begin, count = layer.layer.neuron.window or (layer.last_tick, 1)
    passes = [[(fold, True) for fold in range(layer.folds)]]
    again = [0] if layer.folds == 1 else sorted(reached)
    passes += [[(fold, False) for fold in again]] * (count - 1)
    silent = [[]] * (begin - 1 + layer.eager)
    return [*silent, *passes, *[[]] * layer.last_tick][: layer.advances]


@settings(max_examples=40)
@given(seeds)
def test_passes_come_in_the_window_and_to_folds_that_were_reached(seed):
    _, layer = first_layer(seed, True)
    dut, rng = Passes(layer), random.Random(seed)

    async def cycle(ctx, reached, found):
        """Take one cycle, and answer for the fold that was asked in it."""
        ask, fold, opening = ctx.get(dut.ask), ctx.get(dut.fold), ctx.get(dut.opening)
        if ask:
            found.append((fold, bool(opening)))
        await ctx.tick()
        ctx.set(dut.advance, 0)
        ctx.set(dut.clear, 0)
        ctx.set(dut.reached, ask and fold in reached)

    async def testbench(ctx):
        for _ in range(IMAGES):
            reached = {fold for fold in range(layer.folds) if rng.random() < 0.5}
            ctx.set(dut.clear, 1)
            await cycle(ctx, reached, [])

            # An image may be cut, also in the middle of a pass; the next one begins at once then.
            cut = rng.randrange(layer.advances) if rng.random() < 0.5 else None
            for tick, wanted in enumerate(expected(layer, reached)):
                found = []
                ctx.set(dut.advance, 1)
                await cycle(ctx, reached, found)
                if tick == cut:
                    for _ in range(rng.randrange(4)):
                        await cycle(ctx, reached, found)
                    assert found == wanted[: len(found)]
                    break
                while ctx.get(dut.busy):
                    await cycle(ctx, reached, found)
                for _ in range(rng.randrange(1, 4)):
                    await cycle(ctx, reached, found)
                assert found == wanted

    simulate(dut, testbench)


def test_left_counts_down_to_the_first_pass():
    _, layer = first_layer(7, True)
    dut = Passes(layer)
    begin, _ = layer.layer.neuron.window or (layer.last_tick, 1)

    async def testbench(ctx):
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        for tick in range(layer.advances):
            assert ctx.get(dut.left) == max(begin + layer.eager - tick, 0)
            ctx.set(dut.advance, 1)
            await ctx.tick()
            ctx.set(dut.advance, 0)
            while ctx.get(dut.busy):
                await ctx.tick()

    simulate(dut, testbench)
