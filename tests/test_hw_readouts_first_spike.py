"""The readout against its twin, fold by fold."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings

from hw.readouts import READOUTS
from random_layers import random_layer
from random_networks import seeds
from sim.readouts.first_spike import FirstSpike
from testbenches import simulate


@settings(max_examples=40)
@given(seeds)
def test_a_readout_decides_as_sim_does(seed):
    parameters, rng = random_layer(seed, output=True), np.random.default_rng(seed)
    dut, classes = READOUTS["first_spike"](parameters), parameters.layer.fan_out

    async def testbench(ctx):
        for _ in range(8):
            potential = rng.integers(-4, 1 + rng.integers(3), classes)
            output = SimpleNamespace(potential=potential, reached=lambda now=potential: now >= 0)
            ended, winner = FirstSpike().ended(output), FirstSpike().winner(output)
            padded = np.full(parameters.folds * parameters.lanes, -1)
            padded[:classes] = potential
            for fold in range(parameters.folds):
                first = fold * parameters.lanes
                lanes = padded[first : first + parameters.lanes].tolist()
                ctx.set(
                    dut.i.payload,
                    {
                        "first_neuron": first,
                        "last": fold == parameters.folds - 1,
                        "potential": lanes,
                    },
                )
                ctx.set(dut.i.valid, 1)
                assert not ctx.get(dut.o.valid)
                await ctx.tick()
                ctx.set(dut.i.valid, 0)
                if rng.random() < 0.2 and fold < parameters.folds - 1:
                    await ctx.tick()
            ctx.set(dut.i.payload, {"first_neuron": 0, "last": 0, "potential": [5] * len(lanes)})
            assert ctx.get(dut.o.valid)
            assert ctx.get(dut.o.payload) == {"ended": ended, "winner": winner}
            await ctx.tick().repeat(int(rng.integers(1, 3)))

    simulate(dut, testbench)
