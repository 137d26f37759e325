"""The lesson of the input weights against step 5 of :mod:`sim.learning.supervised`, with a store
made of Python.
"""

import numpy as np
from hypothesis import given, settings

from hw.learning.supervised.input_weights import InputLesson
from random_layers import random_layer
from random_networks import seeds
from sim.learning.supervised import step
from testbenches import pulse, simulate

LESSONS = 4


class Image:
    """What happened in an image, drawn at random: input spikes, and what the hidden neurons did and
    are to do.
    """

    def __init__(self, layer, rng):
        inputs, shape = layer.layer.fan_in, (layer.folds, layer.lanes)
        count = int(rng.integers(inputs + 1))
        self.inputs = rng.permutation(inputs)[:count].tolist()
        self.input_tick = np.sort(rng.integers(0, 6, count)).tolist()
        self.hidden_tick = rng.choice([*range(7), layer.silent_tick], shape)
        self.delta = rng.integers(-1, 2, shape)
        self.skip = int(rng.choice((0, 128, 255)))

    def expected(self, state):
        """The rows that are taken with what each of their folds is to do, and the generator's state
        after it.
        """
        rows = []
        for neuron, tick in zip(self.inputs, self.input_tick, strict=True):
            state = step(state)
            if state >> 24 >= self.skip:
                moves = np.where(tick < self.hidden_tick, self.delta, 0)
                rows += [(neuron, fold) for fold in enumerate(moves.tolist())]
        return rows, state


async def pause(ctx, rng):
    while rng.random() < 0.4:
        await ctx.tick()


async def show_image(ctx, dut, image, rng):
    """Deliver the spikes, then keep the deltas, with pauses."""
    for neuron, tick in zip(image.inputs, image.input_tick, strict=True):
        ctx.set(dut.neuron, neuron)
        ctx.set(dut.tick, tick)
        await pulse(ctx, dut.delivered)
        await pause(ctx, rng)
    for delta in image.delta.tolist():
        ctx.set(dut.deltas, delta)
        await pulse(ctx, dut.keep)
        await pause(ctx, rng)


async def give_lesson(ctx, dut, image, state):
    """Be its store and its generator until it is done; return what it did with each word, and the
    generator's state.
    """
    folds, found, fold = dut.hidden.folds, [], 0
    coming = [None, None]  # the row whose words come in one cycle, and in two
    remaining = 0  # words of the row accepted last that are not on their way
    ctx.set(dut.skip, image.skip)
    for _ in range(10 + len(image.inputs) * (folds + 1)):
        row = coming.pop(0)
        ctx.set(dut.word, row is not None)
        ctx.set(dut.idle, row is None and coming == [None] and not remaining)
        ctx.set(dut.row.ready, not remaining)
        ctx.set(dut.drawn, step(state))
        for lane, tick in enumerate(image.hidden_tick[fold].tolist()):
            ctx.set(dut.past[lane].tick, tick)
        assert ctx.get(dut.recall) == ctx.get(dut.write) == (row is not None)
        if row is not None:
            moves = [ctx.get(dut.move[lane]) for lane in range(dut.hidden.lanes)]
            found.append((row, (fold, moves)))
            fold = (fold + 1) % folds

        asked = ctx.get(dut.row.payload) if ctx.get(dut.row.valid) and not remaining else None
        if asked is not None:
            last, remaining = asked, folds
        coming.append(last if remaining else None)
        remaining -= remaining > 0
        state = step(state) if ctx.get(dut.draw) else state
        done = ctx.get(dut.done)
        await ctx.tick()
        if done:
            return found, state
    raise AssertionError("it is never done")


@settings(max_examples=12)
@given(seeds)
def test_the_rows_that_the_draw_takes_move_what_fired_later(seed):
    layer, rng = random_layer(seed, learns=True), np.random.default_rng(seed)
    dut, state = InputLesson(layer), seed | 1

    async def testbench(ctx):
        nonlocal state
        for _ in range(LESSONS):
            image = Image(layer, rng)
            await show_image(ctx, dut, image, rng)
            rows, after = image.expected(state)
            await pulse(ctx, dut.begin)
            found, state = await give_lesson(ctx, dut, image, state)
            assert (found, state) == (rows, after)
            await pulse(ctx, dut.clear)

    simulate(dut, testbench)
