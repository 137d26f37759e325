"""The readout that looks at the last tick, against its twin, fold by fold."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings

from hw.readouts import READOUTS
from random_layers import random_layer
from random_networks import seeds
from sim.readouts.final import Final
from testbenches import simulate


@settings(max_examples=30)
@given(seeds)
def test_a_readout_decides_as_sim_does_and_ends_nothing(seed):
    """Ties are frequent, and whoever is at its level or above does not end the image."""
    parameters, rng = random_layer(seed, output=True), np.random.default_rng(seed)
    dut, classes = READOUTS["final"](parameters), parameters.layer.fan_out

    async def testbench(ctx):
        for _ in range(6):
            potential = rng.integers(-3, 4, classes)
            winner = Final().winner(SimpleNamespace(potential=potential))
            padded = np.full(parameters.folds * parameters.lanes, 9)  # nobody is there
            padded[:classes] = potential
            for fold in range(parameters.folds):
                first = fold * parameters.lanes
                lanes = padded[first : first + parameters.lanes].tolist()
                last = fold == parameters.folds - 1
                ctx.set(dut.i.payload, {"first_neuron": first, "last": last, "potential": lanes})
                ctx.set(dut.i.valid, 1)
                assert not ctx.get(dut.o.valid)
                await ctx.tick()
                ctx.set(dut.i.valid, 0)
                if rng.random() < 0.3 and not last:
                    await ctx.tick()
            assert ctx.get(dut.o.valid)
            assert ctx.get(dut.o.payload) == {"ended": 0, "winner": winner}
            await ctx.tick()

    simulate(dut, testbench)
