"""The lesson of the output weights against steps 3 and 4 of :mod:`sim.learning.supervised`."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from hw.learning.supervised.output_weights import OutputLesson
from random_layers import random_layer, random_weights
from random_networks import seeds
from sim.learning.supervised import Rule, step
from testbenches import pulse, simulate

LESSONS = 3


class Image:
    """What an image left behind, drawn at random: few ticks, so that many are equal."""

    def __init__(self, hidden, output, rng):
        neurons, classes = hidden.layer.fan_out, output.layer.fan_out
        self.end = int(rng.choice((3, 6, hidden.silent_tick)))
        self.hidden_tick = rng.choice([*range(7), hidden.silent_tick], neurons)
        current = hidden.current
        self.hidden_current = rng.integers(-3, 2, neurons).clip(current.low, current.high)
        self.output_tick = rng.choice([*range(7), hidden.silent_tick], classes)
        self.sign = rng.permutation([1, *rng.integers(-1, 1, classes - 1)])
        self.skip = int(rng.choice((0, 128, 255)))

    def expected(self, weight, rule, state):
        """Per neuron that takes part: itself, whether its row is written, and what moves in it; the
        deltas of all; and the generator's state after it.
        """
        rows, deltas = [], []
        for neuron, tick in enumerate(self.hidden_tick.tolist()):
            near = tick >= self.end and self.hidden_current[neuron] > -rule.reach
            deltas.append(0)
            if tick >= self.end and not near:
                continue
            state = step(state)
            contributed = tick < self.output_tick
            error = int(((contributed | near) * self.sign * weight[neuron]).sum())
            if state & (1 << rule.noise_bits) - 1 < abs(error):
                deltas[-1] = int(np.sign(error))
            written = tick < self.end and state >> 24 >= self.skip
            rows.append((neuron, written, (contributed * self.sign).tolist() if written else None))
        return rows, deltas, state


def set_past(ctx, dut, image, fold):
    """Show what the neurons of a fold did; lanes that are padding look as if they had fired."""
    for lane in range(dut.hidden.lanes):
        neuron = fold * dut.hidden.lanes + lane
        real = neuron < dut.hidden.layer.fan_out
        ctx.set(dut.past[lane].tick, int(image.hidden_tick[neuron]) if real else 0)
        ctx.set(dut.past[lane].current, int(image.hidden_current[neuron]) if real else 0)


async def give_lesson(ctx, dut, image, state):
    """Be its store, its generator and the neurons' memory until it is done; return what it did."""
    rows, deltas, fold, word = [], [], 0, dut.output.rows.word
    words, coming = dut.output.rows.pack(), [None, None]
    ctx.set(dut.end, image.end)
    ctx.set(dut.skip, image.skip)
    ctx.set(dut.up, sum(1 << index for index in np.flatnonzero(image.sign > 0).tolist()))
    ctx.set(dut.down, sum(1 << index for index in np.flatnonzero(image.sign < 0).tolist()))
    for index, tick in enumerate(image.output_tick.tolist()):
        ctx.set(dut.fired[index], tick)

    for _ in range(10 + 8 * dut.hidden.folds + 2 * dut.hidden.layer.fan_out):
        row = coming.pop(0)
        set_past(ctx, dut, image, fold)
        ctx.set(dut.drawn, step(state))
        if row is None:
            assert not ctx.get(dut.write)
        else:
            ctx.set(dut.word, word.from_bits(words[row]))
            written = bool(ctx.get(dut.write))
            move = [ctx.get(dut.move[index]) for index in range(len(image.sign))]
            rows.append((row, written, move if written else None))
        coming.append(ctx.get(dut.row.payload) if ctx.get(dut.row.valid) else None)
        state = step(state) if ctx.get(dut.draw) else state
        done = ctx.get(dut.done)
        if ctx.get(dut.recall):
            deltas += [ctx.get(dut.deltas[lane]) for lane in range(dut.hidden.lanes)]
            fold += 1
        await ctx.tick()
        if done:
            assert fold == dut.hidden.folds
            return rows, deltas, state
        fold = min(fold, dut.hidden.folds - 1)
    raise AssertionError("it is never done")


@settings(max_examples=12)
@given(seeds)
def test_what_contributed_moves_and_what_errs_is_to_move(seed):
    hidden, rng = random_layer(seed, learns=True), np.random.default_rng(seed)
    classes = int(rng.integers(2, 6))
    layer = random_weights(rng, hidden.layer.fan_out, classes, int(rng.integers(1, 9)))
    output = replace(hidden, layer=layer, lanes=classes, output=True)
    rule = Rule(0, int(rng.integers(0, 4)), 1, int(rng.integers(0, 9)))
    dut, state = OutputLesson(hidden, output, rule), seed | 1

    async def testbench(ctx):
        nonlocal state
        for _ in range(LESSONS):
            image = Image(hidden, output, rng)
            wanted_rows, wanted_deltas, after = image.expected(layer.weight, rule, state)
            await pulse(ctx, dut.begin)
            rows, deltas, state = await give_lesson(ctx, dut, image, state)
            assert (rows, state) == (wanted_rows, after)
            assert deltas[: hidden.layer.fan_out] == wanted_deltas
            assert not any(deltas[hidden.layer.fan_out :])

    simulate(dut, testbench)
