"""Weight rows in block RAM: a word per cycle, from row to row."""

import numpy as np
import pytest
from amaranth.hdl import Value
from hypothesis import given, settings

from hw.rows import PIECE, Rows
from hw.storage.block import BlockStore, BlockWords
from random_layers import random_rows, random_weights
from random_networks import seeds
from stores import check_store
from testbenches import simulate


@pytest.mark.parametrize("lanes", [1, 2, 3, 7])
def test_a_store_gives_a_word_per_cycle_from_row_to_row(lanes):
    rows = Rows(random_weights(np.random.default_rng(lanes), 5, 7), lanes)
    words, asked = rows.pack(), [3, 0, 4, 4, 1]
    dut, found = BlockStore(rows), []

    async def testbench(ctx):
        pending = list(asked)
        for _ in range(2 + len(asked) * rows.folds):
            ctx.set(dut.i.valid, bool(pending))
            ctx.set(dut.i.payload, pending[0] if pending else 0)
            *_, ready, valid, word = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, Value.cast(dut.o.payload)
            )
            if pending and ready:
                pending.pop(0)
            found.append(word if valid else None)
        assert ctx.get(dut.idle)

    simulate(dut, testbench)
    assert found == [
        None,
        None,
        *(words[row * rows.folds + fold] for row in asked for fold in range(rows.folds)),
    ]


@pytest.mark.parametrize("piece", [PIECE, 4])
@settings(max_examples=15)
@given(seeds)
def test_a_store_gives_the_rows_asked_for_at_its_pace(piece, seed):
    rows = random_rows(seed)
    check_store(BlockStore(rows, BlockWords(rows, piece=piece)), rows, seed)
