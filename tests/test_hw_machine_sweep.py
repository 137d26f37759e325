"""Every fold once after each clear, with the start word of its place in the position."""

import pytest

from hw.machine.sweep import Sweep
from testbenches import pulse, simulate


@pytest.mark.parametrize(("folds", "period"), [(2, 1), (6, 1), (6, 3), (5, 5), (8, 2)])
def test_every_fold_once_after_each_clear(folds, period):
    dut, expected = Sweep(folds, period), [(fold, fold % period) for fold in range(folds)]

    async def swept(ctx, most):
        found = []
        while ctx.get(dut.busy) and len(found) < most:
            found.append((ctx.get(dut.fold), ctx.get(dut.phase)))
            await ctx.tick()
        return found

    async def testbench(ctx):
        assert not ctx.get(dut.busy)
        for broken_off in (folds, 1, folds - 1):
            await pulse(ctx, dut.clear)
            assert await swept(ctx, broken_off) == expected[:broken_off]
        await pulse(ctx, dut.clear)
        assert await swept(ctx, folds + 1) == expected

    simulate(dut, testbench)
