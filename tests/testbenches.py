"""Amaranth's simulator around one component, and beats for its streams."""

from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator


def simulate(component, testbench, *background):
    """Run ``testbench`` to its end, and those in the ``background`` as long as that takes."""
    m = Module()
    m.submodules.dut = component
    m.d.sync += Signal().eq(0)  # some parts are combinational, but every test counts cycles
    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    for each in background:
        simulator.add_testbench(each, background=True)
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


def taker(stream, found, rng, ready=0.7):
    """Return a testbench for the background, which puts every beat of a stream into ``found``.

    :param ready: probability of being ready in a cycle.
    """

    async def take(ctx):
        while True:
            ctx.set(stream.ready, rng.random() < ready)
            *_, valid, taken, payload = await ctx.tick().sample(
                stream.valid, stream.ready, stream.payload
            )
            if valid and taken:
                found.append(payload)

    return take
