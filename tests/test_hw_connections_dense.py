"""The words of a dense layer one by one: every row in order, a word per cycle."""

import random

import pytest
from hypothesis import given, settings

from hw.connections import make_visits
from random_layers import random_rows
from random_networks import seeds
from testbenches import simulate


@pytest.mark.parametrize("pauses", [False, True])
@settings(max_examples=15)
@given(seeds)
def test_every_event_looks_up_its_row(pauses, seed):
    rows, rng, found = random_rows(seed), random.Random(seed), []
    dut, sources = make_visits(rows), [rng.randrange(rows.layer.fan_in) for _ in range(5)]

    async def testbench(ctx):
        pending = list(sources)
        while pending:
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, pending[0])
            ctx.set(dut.o.ready, not pauses or rng.random() < 0.6)
            *_, taken, valid, ready, visit = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, dut.o.ready, dut.o.payload
            )
            assert valid
            if ready:
                found.append((visit.word, visit.fold))
            if taken:
                pending.pop(0)
                assert len(found) == rows.folds * (len(sources) - len(pending))

    simulate(dut, testbench)
    assert found == [
        (source * rows.folds + fold, fold) for source in sources for fold in range(rows.folds)
    ]
