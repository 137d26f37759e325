"""Weight rows that learning moves, against NumPy: saturated, counted, written back where they were
read.
"""

import numpy as np
from hypothesis import given, settings

from hw.rows import Rows
from hw.storage.writable import WritableStore
from random_layers import random_rows
from random_networks import seeds
from sim.fixed_point import WeightFormat
from stores import check_store, check_words, load_words
from testbenches import simulate


@settings(max_examples=8)
@given(seeds)
def test_rows_that_are_not_moved_are_given_at_the_pace_of_block_ram(seed):
    rows = random_rows(seed)
    dut, others = WritableStore(rows), rows.pack()[::-1]

    async def load(ctx, rng):
        await check_words(ctx, dut.words, rows.pack())  # they came with the bitstream
        await load_words(ctx, dut.words, others, rng)
        await load_words(ctx, dut.words, rows.pack(), rng)

    check_store(dut, rows, seed, load=load)


def extreme_rows(seed, rng):
    """Rows of which many weights are at a limit, and the same as words, padded with zeros."""
    rows = random_rows(seed)
    form, shape = WeightFormat(rows.layer.weight_bits), rows.layer.weight.shape
    weight = rng.choice((form.low, form.high, 0), shape).clip(form.low, form.high)
    padded = np.zeros((rows.layer.fan_in, rows.folds * rows.lanes), np.int64)
    padded[:, : rows.layer.fan_out] = weight
    return Rows(rows.layer.with_weight(weight.astype(np.int8)), rows.lanes), padded


@settings(max_examples=10)
@given(seeds)
def test_moved_weights_saturate_and_are_counted(seed):
    """Rows one after the other, some words written and some not; many weights are at a limit."""
    rng = np.random.default_rng(seed)
    rows, expected = extreme_rows(seed, rng)
    form, dut = WeightFormat(rows.layer.weight_bits), WritableStore(rows)

    coming = []  # the words on their way: row, fold, and what each weight is to do

    async def cycle(ctx):
        """One cycle, in which a word may be here and be moved."""
        here = ctx.get(dut.o.valid)
        write, count = here and rng.random() < 0.8, 0
        if here:
            row, fold, move = coming.pop(0)
            ctx.set(dut.move, move)
            lanes = slice(fold * rows.lanes, (fold + 1) * rows.lanes)
            if write:
                before = expected[row, lanes].copy()
                expected[row, lanes] = (before + move).clip(form.low, form.high)
                count = int((expected[row, lanes] != before).sum())
        ctx.set(dut.write, write)
        await ctx.tick()
        assert ctx.get(dut.changed) == count

    async def testbench(ctx):
        for _ in range(3):
            for row in rng.permutation(rows.layer.fan_in).tolist():
                while rng.random() < 0.3:
                    await cycle(ctx)
                ctx.set(dut.i.payload, row)
                ctx.set(dut.i.valid, 1)
                while not ctx.get(dut.i.ready):
                    await cycle(ctx)
                moves = rng.integers(-1, 2, (rows.folds, rows.lanes)).tolist()
                coming.extend((row, fold, move) for fold, move in enumerate(moves))
                await cycle(ctx)
                ctx.set(dut.i.valid, 0)
            while not ctx.get(dut.idle):  # a row comes again when its last word has been written
                await cycle(ctx)
        ctx.set(dut.write, 0)
        moved = rows.layer.with_weight(expected.astype(np.int8))
        await check_words(ctx, dut.words, Rows(moved, rows.lanes).pack())

    simulate(dut, testbench)
