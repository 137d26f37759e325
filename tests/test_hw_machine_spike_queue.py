"""The queue of the neurons that fire, at any pace."""

import random

from hypothesis import given, settings

from hw.machine.spike_queue import Queue
from random_layers import random_layer
from random_networks import seeds
from testbenches import simulate


@settings(max_examples=30)
@given(seeds)
def test_a_queue_gives_every_neuron_that_fires_lowest_first(seed):
    parameters, rng = random_layer(seed), random.Random(seed)
    dut, found, expected = Queue(parameters), [], []

    async def testbench(ctx):
        for _ in range(4):
            fires = [rng.random() < 0.4 for _ in range(parameters.layer.fan_out)]
            expected.extend(neuron for neuron, fire in enumerate(fires) if fire)
            for fold in range(parameters.folds):
                first = fold * parameters.lanes
                mask = sum(
                    fire << lane
                    for lane, fire in enumerate(fires[first : first + parameters.lanes])
                )
                await cycle(
                    ctx,
                    {"first_neuron": first, "last": fold == parameters.folds - 1, "fires": mask},
                )
            while ctx.get(dut.pending):
                forget = rng.random() < 0.1
                ctx.set(dut.clear, forget)
                await cycle(ctx, None)
                ctx.set(dut.clear, 0)
                if forget:
                    expected[:] = found

    async def cycle(ctx, fold):
        ready = rng.random() < 0.7
        ctx.set(dut.i.valid, fold is not None)
        if fold is not None:
            ctx.set(dut.i.payload, fold)
        ctx.set(dut.o.ready, ready)
        *_, valid, neuron = await ctx.tick().sample(dut.o.valid, dut.o.payload)
        if valid and ready:
            found.append(neuron)

    simulate(dut, testbench)
    assert found == expected
