"""Rows of a layer's own, recurrent and bias, against a list of what has to come, with pauses on
every stream.
"""

import random

import numpy as np
import pytest

from hw.machine.own_rows import OwnRows
from hw.parameters import MachineParameters
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.layer import Layer
from sim.network import Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from testbenches import pulse, simulate, taker

SEED = 15
TICKS, INPUTS, NEURONS = 12, 3, 4


def hidden_layer(recurrent, bias):
    """The parameters of a layer of leaky neurons before an output layer."""
    neuron = Neuron(5, membrane=224, synapse=0, reset="zero", ramp=False)
    ones = np.ones((NEURONS, NEURONS), np.int8)
    own = {"recurrent": ones if recurrent else None, "bias": ones[0] if bias else None}
    layers = Layer(Dense(ones[:INPUTS]), neuron, **own), Layer(Dense(ones[:, :2]), neuron)
    tick_of = np.zeros(256, np.int16)
    encoder = Intensity((INPUTS, 1), 1, np.arange(INPUTS, dtype=np.int32), tick_of)
    network = Network(encoder, layers, FirstSpike(), 1, TICKS, ("no", "yes"))
    return MachineParameters(network).layers[0]


async def give(ctx, stream, payload):
    """Send a beat; it is taken at the edge at which both are ready, which others may change."""
    ctx.set(stream.payload, payload)
    ctx.set(stream.valid, 1)
    taken = False
    while not taken:
        *_, taken = await ctx.tick().sample(stream.ready)
    ctx.set(stream.valid, 0)


def run(parameters, plan, seed):
    """Give ``plan``, per tick the input neurons and the neurons that fire, to the circuit; return
    per tick the rows that were looked up and the spikes that went on, and the bits of
    ``looked_up``.
    """
    rng, dut = random.Random(seed), OwnRows(parameters)
    rows, passed, found, waiting, counts = [], [], [], [], [0, 0]

    async def count(ctx):
        async for _, _, seen in ctx.tick().sample(dut.looked_up):
            counts[0] += seen.recurrent
            counts[1] += seen.bias

    async def fire(ctx):
        while True:
            if waiting and rng.random() < 0.6:
                await give(ctx, dut.fired, waiting[0])
                waiting.pop(0)
            else:
                await ctx.tick()

    async def testbench(ctx):
        await pulse(ctx, dut.clear)
        for inputs, spikes in plan:
            await pulse(ctx, dut.begin)
            waiting.extend(spikes)
            await ctx.tick().repeat(4)
            if parameters.layer.recurrent is not None:
                assert not rows  # until events may be exchanged nothing of its own is looked up

            ctx.set(dut.deliver, 1)
            for neuron in inputs:
                await give(ctx, dut.i, neuron)
            while waiting or ctx.get(dut.pending):
                await ctx.tick()
            await ctx.tick()
            ctx.set(dut.deliver, 0)
            found.append((sorted(rows), list(passed)))
            rows.clear()
            passed.clear()

    background = [taker(dut.o, rows, rng), taker(dut.passed, passed, rng, 0.4), fire, count]
    simulate(dut, testbench, *background)
    return found, counts


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("recurrent", [False, True])
def test_every_spike_looks_up_its_row_once_and_the_bias_comes_once_per_tick(recurrent, bias):
    if not (recurrent or bias):
        assert not hidden_layer(recurrent, bias).has_own_rows
        return

    rng, parameters = random.Random(SEED), hidden_layer(recurrent, bias)
    plan = []
    for _ in range(TICKS):
        spikes = sorted(rng.sample(range(NEURONS), rng.randint(0, NEURONS))) if recurrent else []
        plan.append((rng.choices(range(INPUTS), k=rng.randint(0, 3)), spikes))
    found, counts = run(parameters, plan, SEED)

    bias_row = [INPUTS + NEURONS * recurrent] * bias
    assert found == [
        (sorted([*inputs, *(INPUTS + each for each in spikes), *bias_row]), spikes)
        for inputs, spikes in plan
    ]
    assert counts == [sum(len(spikes) for _, spikes in plan), TICKS * bias]


def test_what_is_on_its_way_is_forgotten_between_images():
    parameters, rows = hidden_layer(True, False), []
    dut = OwnRows(parameters)

    async def testbench(ctx):
        # Taken by the rows, not by the next layer: another image's spike is a new one for both.
        ctx.set(dut.deliver, 1)
        ctx.set(dut.fired.payload, 2)
        ctx.set(dut.fired.valid, 1)
        await ctx.tick()
        assert ctx.get(dut.pending)
        assert ctx.get(dut.o.payload) == INPUTS + 2
        ctx.set(dut.fired.valid, 0)
        await pulse(ctx, dut.clear)
        assert not ctx.get(dut.pending)

        ctx.set(dut.fired.payload, 1)
        ctx.set(dut.fired.valid, 1)
        ctx.set(dut.passed.ready, 1)
        ctx.set(dut.o.ready, 1)
        assert ctx.get(dut.fired.ready)
        await ctx.tick()
        rows.append(ctx.get(dut.o.payload))

    simulate(dut, testbench)
    assert rows == [INPUTS + 1]
