"""Each part of the gateware against its software twin: the same numbers, cycle by cycle where a
cycle is promised.
"""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, Value
from amaranth.sim import Simulator
from hypothesis import given, settings

from hw.arithmetic import times
from hw.machine.layer import Layer
from hw.machine.spike_queue import Queue
from hw.parameters import LayerParameters
from hw.readouts import READOUTS
from hw.rows import Rows
from hw.storage.block import BlockStore
from random_networks import seeds
from sim.connections.dense import Dense
from sim.fixed_point import Bounds
from sim.network import Layer as Weights
from sim.neuron import Neuron, Premise
from sim.readouts.first_spike import FirstSpike


def simulate(component, testbench):
    m = Module()
    m.submodules.dut = component
    m.d.sync += Signal().eq(0)  # some parts are combinational, but every test counts cycles
    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()


async def pulse(ctx, signal):
    ctx.set(signal, 1)
    await ctx.tick()
    ctx.set(signal, 0)


async def send(ctx, stream, payload):
    ctx.set(stream.valid, 1)
    ctx.set(stream.payload, payload)
    while not ctx.get(stream.ready):
        await ctx.tick()
    await ctx.tick()
    ctx.set(stream.valid, 0)


def weights(rng, fan_in, fan_out, bits=8):
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    return Weights(
        Dense(rng.integers(low, high, (fan_in, fan_out)).astype(np.int8)),
        Neuron(int(rng.integers(1, 60))),
        weight_bits=bits,
    )


def current(layer):
    return layer.neuron.bounds(layer.connection.inflow(), Premise(2, 0, 9, True, True)).current


def some_layer(seed, output=False):
    rng = np.random.default_rng(seed)
    layer = weights(rng, int(rng.integers(1, 9)), int(rng.integers(1, 14)), int(rng.integers(1, 9)))
    lanes, group = int(rng.integers(1, layer.fan_out + 1)), int(rng.integers(1, 14))
    return LayerParameters(
        layer, lanes, 2, 24, current(layer), Bounds(-4000, 4000), output, group=group
    )


@pytest.mark.parametrize("factor", [1, 2, 3, 38, 600])
def test_times_is_multiplication_without_a_multiplier(factor):
    value = Signal(3, init=5)
    assert "*" not in repr(times(value, factor))

    async def testbench(ctx):
        assert ctx.get(times(value, factor)) == 5 * factor

    simulate(Queue(some_layer(0)), testbench)


@given(seeds)
def test_words_hold_every_weight_and_nothing_else(seed):
    rng = np.random.default_rng(seed)
    bits, lanes = int(rng.integers(1, 9)), int(rng.integers(1, 10))
    layer = weights(rng, int(rng.integers(1, 6)), int(rng.integers(lanes, 20)), bits)
    rows = Rows(layer, lanes)
    words = rows.pack()
    assert len(words) == layer.fan_in * rows.folds
    assert max(words) < 1 << rows.word.size
    for row in range(layer.fan_in):
        found = [
            rows.word.from_bits(word)[lane]
            for word in words[row * rows.folds :][: rows.folds]
            for lane in range(lanes)
        ]
        assert found == [*layer.weight[row].tolist(), *[0] * (rows.folds * lanes - layer.fan_out)]


@pytest.mark.parametrize("lanes", [1, 2, 3, 7])
def test_a_store_gives_a_word_per_cycle_from_row_to_row(lanes):
    rows = Rows(weights(np.random.default_rng(lanes), 5, 7), lanes)
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


@settings(max_examples=30)
@given(seeds)
def test_a_queue_gives_every_neuron_that_fires_lowest_first(seed):
    parameters, rng = some_layer(seed), random.Random(seed)
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


@settings(max_examples=40)
@given(seeds)
def test_a_layer_fires_as_its_twin_does(seed):
    parameters, rng = some_layer(seed), np.random.default_rng(seed)
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


@settings(max_examples=40)
@given(seeds)
def test_a_readout_decides_as_sim_does(seed):
    parameters, rng = some_layer(seed, output=True), np.random.default_rng(seed)
    dut, classes = READOUTS["first_spike"](parameters), parameters.layer.fan_out

    async def testbench(ctx):
        for _ in range(8):
            potential = rng.integers(-4, 1 + rng.integers(3), classes)
            verdict = FirstSpike().decide(SimpleNamespace(potential=potential))
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
            assert ctx.get(dut.o.payload) == {"ended": verdict.ended, "winner": verdict.winner}
            await ctx.tick().repeat(int(rng.integers(1, 3)))

    simulate(dut, testbench)
