"""The readout that counts spikes, against its twin, fold by fold."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings

from hw.readouts import READOUTS
from random_layers import random_layer
from random_networks import seeds
from sim.neuron import Neuron
from sim.readouts.most_spikes import MostSpikes
from testbenches import simulate


@settings(max_examples=30)
@given(seeds)
def test_a_readout_decides_as_sim_does_and_ends_nothing(seed):
    """Equal counts are frequent, and so are equal potentials of both signs beside them."""
    parameters, rng = random_layer(seed, output=True), np.random.default_rng(seed)
    neuron = Neuron(4, membrane=240, reset="zero", ramp=False)
    layer = replace(parameters.layer, neuron=neuron)
    parameters = replace(parameters, layer=layer, counts=True, every_tick=False)
    dut, classes = READOUTS["most_spikes"](parameters), layer.fan_out
    assert parameters.count_bits == 5  # 24 ticks, and tick 0

    async def testbench(ctx):
        for _ in range(6):
            potential = rng.integers(-3, 4, classes)
            spikes = rng.integers(0, 1 + rng.choice([1, 3, 25]), classes)
            winner = MostSpikes().winner(SimpleNamespace(potential=potential, spikes=spikes))
            padded = np.full((2, parameters.folds * parameters.lanes), 25)  # nobody is there
            padded[:, :classes] = potential, spikes
            for fold in range(parameters.folds):
                first, last = fold * parameters.lanes, fold == parameters.folds - 1
                shown = padded[:, first : first + parameters.lanes].tolist()
                ctx.set(
                    dut.i.payload,
                    {
                        "first_neuron": first,
                        "last": last,
                        "potential": shown[0],
                        "spikes": shown[1],
                    },
                )
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
