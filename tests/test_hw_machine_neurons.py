"""The neurons against their twin: every potential of an output layer, every spike of a hidden
one.
"""

import numpy as np
import pytest
from hypothesis import given, settings

from first_layers import assert_as_in_software
from hw.machine.neurons import Neurons
from random_layers import random_layer
from random_networks import seeds
from testbenches import pulse, simulate


def fold_values(twin, output):
    """What a tick's folds carry: potentials of outputs, else whether each neuron fires."""
    fires = np.zeros(len(twin.potential), np.int64)
    fires[twin.fire()] = 1
    return twin.potential.tolist() if output else fires.tolist()


@pytest.mark.parametrize("output", [False, True])
@settings(max_examples=12)
@given(seeds)
def test_neurons_do_as_their_twin_does(output, seed):
    """Rows and ticks in any order, with pauses inside a pass, over three images."""
    parameters, rng = random_layer(seed, output), np.random.default_rng(seed)
    dut, rows = Neurons(parameters), parameters.rows
    words, found, expected = rows.pack(), [], []

    async def cycle(ctx):
        *_, valid, fold = await ctx.tick().sample(dut.o.valid, dut.o.payload)
        if valid:
            values = fold.potential if output else fold.fires
            lanes = range(parameters.lanes)
            found.extend(values[lane] if output else values >> lane & 1 for lane in lanes)

    async def work_through(ctx, signal, row=None):
        """Make one pass, of a row's words or of a tick."""
        for fold in range(parameters.folds):
            while rng.random() < 0.3:
                await cycle(ctx)
            assert ctx.get(dut.last) == (fold == parameters.folds - 1)
            if row is not None:
                ctx.set(dut.weight, rows.word.from_bits(words[row * parameters.folds + fold]))
            ctx.set(signal, 1)
            await cycle(ctx)
            ctx.set(signal, 0)

    async def testbench(ctx):
        for _ in range(3):
            await pulse(ctx, dut.clear)
            twin, inputs = parameters.twin(), rng.permutation(parameters.layer.fan_in)
            for rows_of_tick in np.array_split(inputs, 3):
                for row in rows_of_tick.tolist():
                    await work_through(ctx, dut.deliver, row)
                    twin.deliver(row)
                await work_through(ctx, dut.advance)
                await cycle(ctx)
                if parameters.wide:
                    await cycle(ctx)
                twin.advance()
                expected.append(fold_values(twin, output))

    simulate(dut, testbench)
    padded = np.array(found).reshape(len(expected), -1)
    assert padded[:, : parameters.layer.fan_out].tolist() == expected


@settings(max_examples=40)
@given(seeds)
def test_any_neurons_that_keep_a_current_do_as_their_twins_do(seed):
    """Several spikes, outputs that only sum, and a start of their own, over whole images."""
    assert_as_in_software(seed, False, Neurons)
