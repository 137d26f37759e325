"""Every store of weight rows by the same measure: the right words, each in its cycle."""

import random

from amaranth.hdl import Value

from testbenches import simulate


def check_store(dut, rows, seed, latency=lambda fold: 2 + fold, most=None, load=None):
    """Ask for rows, with pauses or without: without, it gives a word per cycle; with, each row
    comes 2 cycles later, at once.

    :param latency: cycles from a row to its word of a fold, if it is slower than that.
    :param most: cycles that 6 rows take at most from reset to rest.
    :param load: puts the words there first; receives the context and the random numbers.
    """
    words, rng, found, expected = rows.pack(), random.Random(seed), {}, {}
    most = 6 * rows.folds + 3 if most is None else most

    async def testbench(ctx):
        if load is not None:
            await load(ctx, rng)
        pending = rng.choices(range(rows.layer.fan_in), k=6)
        pause, cycle, offering = rng.choice((0, 0.5)), 0, False
        while pending or not ctx.get(dut.idle):
            offering = bool(pending) and (offering or rng.random() >= pause)
            ctx.set(dut.i.valid, offering)
            ctx.set(dut.i.payload, pending[0] if offering else 0)
            *_, ready, valid, word = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, Value.cast(dut.o.payload)
            )
            if offering and ready:
                first = pending.pop(0) * rows.folds
                for fold in range(rows.folds):
                    expected[cycle + latency(fold)] = words[first + fold]
                offering = False
            if valid:
                found[cycle] = word
            cycle += 1
        assert pause or cycle <= most

    simulate(dut, testbench)
    assert found == expected


async def load_words(ctx, port, words, rng):
    """Write every word, in any order and some of them twice; then read them all back."""
    places = [*range(len(words)), *rng.choices(range(len(words)), k=3)]
    rng.shuffle(places)
    for place in places:
        ctx.set(port.write, 1)
        ctx.set(port.address, place)
        ctx.set(port.data, words[place])
        await ctx.tick()
        ctx.set(port.write, 0)
        await ctx.tick().repeat(rng.randrange(1, 3))
    await check_words(ctx, port, words)
    ctx.set(port.address, rng.randrange(len(words)))  # means nothing without a strobe


async def check_words(ctx, port, words):
    """Read every word through the host's port."""
    ctx.set(port.read, 1)
    for place, word in enumerate(words):
        ctx.set(port.address, place)
        await ctx.tick()
        assert ctx.get(port.word) == word
    ctx.set(port.read, 0)
