"""The readout that looks at all ticks, against its twin, fold by fold."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings

from hw.readouts import READOUTS
from random_layers import random_layer
from random_networks import seeds
from sim.neuron import Neuron
from sim.readouts.peak import NO_LEVEL, Peak
from testbenches import simulate

LEVEL = 4


def outputs(seed, rng):
    """The parameters of an output layer with a start of its own, and with a level or without."""
    parameters = random_layer(seed, output=True)
    level = NO_LEVEL if rng.random() < 0.3 else LEVEL
    neuron = Neuron(level, membrane=240, reset="never", ramp=False)
    start = rng.integers(-3, LEVEL, parameters.layer.fan_out).astype(np.int32)
    return replace(parameters, layer=replace(parameters.layer, neuron=neuron, start=start))


@settings(max_examples=30)
@given(seeds)
def test_a_readout_keeps_the_highest_of_all_ticks_as_sim_does(seed):
    """Ties between ticks and within one are frequent; so is a tick that is never the highest."""
    rng = np.random.default_rng(seed)
    parameters = outputs(seed, rng)
    dut, classes = READOUTS["peak"](parameters), parameters.layer.fan_out
    neuron, twin = parameters.layer.neuron, Peak().start(classes)

    def look(potential):
        reached = potential >= neuron.threshold
        output = SimpleNamespace(potential=potential, reached=lambda: reached, neuron=neuron)
        return int(twin.ended(output)), twin.winner(output)

    async def testbench(ctx):
        look(parameters.layer.starts())  # tick 0, which is not shown
        for _ in range(8):
            potential = rng.integers(-6, LEVEL + rng.integers(2), classes)
            expected = look(potential)
            padded = np.full(parameters.folds * parameters.lanes, 99)  # nobody is there
            padded[:classes] = potential
            for fold in range(parameters.folds):
                first, last = fold * parameters.lanes, fold == parameters.folds - 1
                lanes = padded[first : first + parameters.lanes].tolist()
                ctx.set(dut.i.payload, {"first_neuron": first, "last": last, "potential": lanes})
                ctx.set(dut.i.valid, 1)
                assert not ctx.get(dut.o.valid)
                await ctx.tick()
                ctx.set(dut.i.valid, 0)
                if rng.random() < 0.3 and not last:
                    await ctx.tick()
            assert not ctx.get(dut.o.valid)
            await ctx.tick()
            assert ctx.get(dut.o.valid)
            ended, winner = expected
            assert ctx.get(dut.o.payload) == {"ended": ended, "winner": winner}
            await ctx.tick().repeat(int(rng.integers(1, 3)))

    simulate(dut, testbench)
