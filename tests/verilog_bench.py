"""The cocotb side of test_hw_verilog.py: exported vectors into the emitted Verilog, with random
stalls on both streams.
"""

import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from hw.bench.trace import beats_of
from hw.events import Status, given_event, result
from sim.encoders.events import EventList
from sim.file import load
from sim.vectors import VECTORS_FILE, load_vectors

STALL = 0.3
PATIENCE_CYCLES = 100_000


class Port:
    """One side of a stream; the signals keep their names from Amaranth."""

    def __init__(self, dut, name):
        self.payload, self.valid, self.ready = (
            getattr(dut, f"{name}__{part}") for part in ("payload", "valid", "ready")
        )


async def exchange(dut, beats, results, stalls):
    """Send every beat and return the payloads of so many results."""
    i, o, pending, found, offering = Port(dut, "i"), Port(dut, "o"), list(beats), [], False
    for _ in range(PATIENCE_CYCLES):
        await FallingEdge(dut.clk)
        offering = offering or (bool(pending) and stalls.random() >= STALL)
        i.valid.value = int(offering)
        i.payload.value = pending[0] if offering else stalls.randrange(512)
        o.ready.value = int(stalls.random() >= STALL)
        await ReadOnly()
        if offering and int(i.ready.value):
            pending.pop(0)
            offering = False
        if int(o.ready.value) and int(o.valid.value):
            found.append(int(o.payload.value))
            if len(found) == results:
                return found
    raise AssertionError(f"{len(found)} of {results} results after {PATIENCE_CYCLES} cycles")


@cocotb.test()
async def vectors_give_their_results(dut):
    """Every sample of the vectors, back to back: images after a broken one that must be dropped,
    events with some that no sample can have.
    """
    folder, seed = Path(os.environ["TTFS_FOLDER"]), int(os.environ["TTFS_SEED"])
    dut._log.info("seed of the stalls: %d", seed)
    network = load(folder)
    samples, traces = load_vectors(folder / VECTORS_FILE, network)
    dut.rst.value = 1
    dut.i__valid.value = 0
    dut.o__ready.value = 0
    Clock(dut.clk, 10, unit="ns").start()
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    given, layout, dropped = beats_of(samples), result(network), 0
    if isinstance(samples, EventList):
        unknown = 0xFFFFFFFF << given_event()["input"].offset
        given = [[*each[:-1], unknown, *each[-1:]] for each in given]
    else:
        dropped, broken = 1, given[0] + [256]
        given.insert(0, [*broken[:-2], 0, *broken[-1:]])

    beats = [beat for each in given for beat in each]
    found = await exchange(dut, beats, len(given), random.Random(seed))
    for _ in range(dropped):
        assert layout.from_bits(found.pop(0)).outcome.status == Status.DROPPED
    assert int(dut.dropped.value) == dropped
    for index, (trace, raw) in enumerate(zip(traces, found, strict=True)):
        beat = layout.from_bits(raw)
        status = Status.TIMED_OUT if trace.timed_out else Status.DECIDED
        expected = (trace.decision, trace.tick, status, trace.events)
        events = [beat.events[layer] for layer in range(len(network.layers))]
        assert (
            beat.outcome.decision,
            beat.outcome.tick,
            beat.outcome.status,
            events,
        ) == expected, f"image {index}"
