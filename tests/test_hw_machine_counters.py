"""The counters of the gateware, alone; in the pipeline they are held against ``sim`` by
test_agreement.py.
"""

import random

from amaranth.sim import Simulator

from hw.events import Status
from hw.machine.counters import Counters
from random_networks import random_network


def simulate(component, testbench):
    simulator = Simulator(component)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()


def test_counters_count_each_image_alone_and_drops_for_good():
    network, rng = random_network(1000), random.Random(1000)
    dut, layers = Counters(network), len(network.layers)
    statuses = [Status.DROPPED, Status.DECIDED, Status.TIMED_OUT, Status.DROPPED]

    async def testbench(ctx):
        ctx.set(dut.o.ready, 1)
        for status in statuses:
            cycles, rejected, events = 1, 0, [0] * layers
            for _ in range(rng.randrange(1, network.encoder.inputs)):
                running, bad, delivered = (
                    rng.randrange(2),
                    rng.randrange(2),
                    rng.randrange(1 << layers),
                )
                ctx.set(dut.running, running)
                ctx.set(dut.rejected, bad)
                ctx.set(dut.delivered, delivered)
                cycles, rejected = cycles + running, rejected + bad
                events = [count + (delivered >> layer & 1) for layer, count in enumerate(events)]
                await ctx.tick()
            ctx.set(dut.i.payload, {"status": status, "tick": 1, "decision": 0})
            ctx.set(dut.i.valid, 1)
            await ctx.tick()
            ctx.set(dut.i.valid, 0)
            found = ctx.get(dut.o.payload)
            assert (found.outcome.status, found.cycles, found.rejected) == (
                status,
                cycles,
                rejected,
            )
            assert [found.events[layer] for layer in range(layers)] == events
        assert ctx.get(dut.dropped) == statuses.count(Status.DROPPED)

    simulate(dut, testbench)


def test_the_counter_of_rejected_events_stops_at_its_end():
    dut = Counters(random_network(1000))

    async def testbench(ctx):
        ctx.set(dut.rejected, 1)
        await ctx.tick().repeat(300)
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        assert ctx.get(dut.o.payload.rejected) == 255

    simulate(dut, testbench)
