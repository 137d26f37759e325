"""A whole layer against its twin: the same neurons fire at the same ticks."""

import numpy as np
from hypothesis import given, settings

from hw.machine.layer import Layer
from random_layers import random_layer
from random_networks import seeds
from testbenches import pulse, send, simulate


@settings(max_examples=40)
@given(seeds)
def test_a_layer_fires_as_its_twin_does(seed):
    parameters, rng = random_layer(seed), np.random.default_rng(seed)
    dut, found, expected = Layer(parameters), [], []

    async def settle(ctx):
        while ctx.get(dut.busy | dut.pending):
            await cycle(ctx)

    async def cycle(ctx):
        ctx.set(dut.o.ready, int(rng.integers(2)))
        *_, valid, ready, neuron = await ctx.tick().sample(dut.o.valid, dut.o.ready, dut.o.payload)
        if valid and ready:
            found[-1].append(neuron)

    async def tick(ctx):
        await settle(ctx)
        ctx.set(dut.advance, 1)
        found.append([])
        await cycle(ctx)
        ctx.set(dut.advance, 0)
        for _ in range(parameters.folds + 1):
            await cycle(ctx)
        await settle(ctx)

    async def testbench(ctx):
        for _ in range(3):
            await pulse(ctx, dut.clear)
            twin, rows = parameters.twin(), rng.permutation(parameters.layer.fan_in)
            for events in np.array_split(rows, 3):
                for row in events.tolist():
                    await send(ctx, dut.i, row)
                    twin.deliver(row)
                await tick(ctx)
                twin.advance()
                expected.append(twin.fire().tolist())

    simulate(dut, testbench)
    assert found == expected
