"""Runs a stream component in Amaranth's simulator: beats in, beats out, with pauses on both sides
if wanted.

:mod:`hw.bench.verilated` does the same on the emitted Verilog, far faster; both take and give the
same arrays.
"""

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Signal, Value
from amaranth.lib import stream
from amaranth.sim import Simulator

from sim.files import AnyPath

PATIENCE_CYCLES = 100_000
"""Cycles without a beat after which a component hangs."""


class HangError(RuntimeError):
    """The component stopped moving beats before every image was closed."""

    def __init__(self, closed: int, stimulus: "Stimulus"):
        super().__init__(
            f"no beat moved for {stimulus.patience_cycles} cycles; "
            f"{closed} of {len(stimulus.images)} images are closed"
        )


@dataclass(frozen=True)
class Stimulus:
    """What is fed to a component.

    :param images: per image its beats, as integers; the last one closes it. If the component has
        ``discard``, the beats before the last are left out while it is high.
    :param closing: an output closes an image if it has one of these bits; 0: every output does.
    :param seed: of random pauses on both sides; None: none.
    :param patience_cycles: cycles without a beat after which the component hangs.
    """

    images: Sequence[Sequence[int]]
    closing: int = 0
    seed: int | None = None
    patience_cycles: int = PATIENCE_CYCLES


@dataclass(frozen=True)
class Run:
    """What came out of a component.

    :param outputs: uint32 (n, words), the payload of each beat, lowest word first.
    :param observed: uint32 (m, words), the port of that name in each cycle in which its lowest bit
        is set.
    :param cycles: from reset to the last beat.
    """

    outputs: npt.NDArray[np.uint32]
    observed: npt.NDArray[np.uint32]
    cycles: int


def to_words(values: Sequence[int], bits: int) -> npt.NDArray[np.uint32]:
    """Return unsigned integers of ``bits`` bits as uint32 (n, words), lowest word first; 33 to 64
    bits are 2 words.
    """
    words = max(-(-bits // 32), 1)
    raw = b"".join(value.to_bytes(4 * words, "little") for value in values)
    return np.frombuffer(raw, np.dtype("<u4")).astype(np.uint32).reshape(-1, words)


class Engine(Protocol):
    """Runs one component, again and again."""

    def run(self, stimulus: Stimulus) -> Run:
        """Feed every image from reset on until all of them are closed on the output.

        :raises HangError: that never happens.
        """
        ...


class StreamComponent(Protocol):
    """A component with one input and one output stream."""

    i: stream.Interface
    o: stream.Interface


def port(component: StreamComponent, name: str) -> Value | None:
    """Return a port that not every component has."""
    return Value.cast(getattr(component, name)) if hasattr(component, name) else None


class AmaranthEngine:
    """Amaranth's own simulator: no tools needed, some thousand cycles per second.

    :param component: what is run.
    :param vcd: file that keeps every signal.
    """

    def __init__(self, component: Any, vcd: AnyPath | None = None):
        vcd = None if vcd is None else Path(vcd)
        self.component, self.vcd = component, vcd

    def run(self, stimulus: Stimulus) -> Run:
        """See :class:`Engine`."""
        # The simulator elaborates anew, so every run begins with a reset.
        driver = _Driver(self.component, stimulus)
        simulator = Simulator(self.component)
        simulator.add_clock(1e-8)

        async def testbench(ctx: Any) -> None:
            await driver.drive(ctx)

        simulator.add_testbench(testbench)
        traces = [self.component.i, self.component.o]
        kept = simulator.write_vcd(str(self.vcd), traces=traces) if self.vcd else None
        with kept or contextlib.nullcontext():
            simulator.run()
        return driver.result()


class _Driver:
    """Drives both streams of a component, one cycle at a time."""

    def __init__(self, component: Any, stimulus: Stimulus):
        self.i, self.o = component.i, component.o
        self.discard, self.observed = port(component, "discard"), port(component, "observed")
        self.stimulus = stimulus
        self.random = random.Random(stimulus.seed)

        self.beats = [beat for image in stimulus.images for beat in image]
        sizes = [len(image) for image in stimulus.images]
        self.end = np.repeat(np.cumsum(sizes) - 1, sizes)  # per beat, its image's last one

        self.index, self.offering, self.closed, self.idle = 0, False, 0, 0
        self.outputs: list[int] = []
        self.watched: list[int] = []
        self.cycles = 0

    def result(self) -> Run:
        """Return what came out."""
        observed_bits = 0 if self.observed is None else len(self.observed)
        outputs = to_words(self.outputs, len(Value.cast(self.o.payload)))
        return Run(outputs, to_words(self.watched, observed_bits), self.cycles)

    async def drive(self, ctx: Any) -> None:
        """Run until every image is closed on the output."""
        payload_in, payload_out = Value.cast(self.i.payload), Value.cast(self.o.payload)
        nothing = Signal()
        watched = [self.i.ready, self.o.valid, payload_out]
        watched += [nothing if each is None else each for each in (self.discard, self.observed)]

        while self.closed < len(self.stimulus.images):
            # A beat that was offered stays: only before it there may be a pause.
            if not self.offering and self.index < len(self.beats) and not self._pause():
                self.offering = True
                ctx.set(payload_in, self.beats[self.index])
            ready = not self._pause()
            ctx.set(self.i.valid, self.offering)
            ctx.set(self.o.ready, ready)

            # What both sides see in this cycle, just before its end.
            _, _, taken, valid, payload, discard, observed = await ctx.tick().sample(*watched)
            self.cycles += 1
            self.idle += 1

            self._advance_input(bool(taken), bool(discard))
            if ready and valid:
                self._keep_output(payload)
            if observed & 1:
                self.watched.append(observed)
            if self.idle > self.stimulus.patience_cycles:
                raise HangError(self.closed, self.stimulus)

    def _pause(self) -> bool:
        return self.stimulus.seed is not None and self.random.random() < 0.3

    def _advance_input(self, taken: bool, discard: bool) -> None:
        """Go on to the next beat, or to the image's last one if the rest is to be discarded."""
        if discard and not self.offering and self.index < len(self.beats):
            self.index = int(self.end[self.index])
        if self.offering and taken:
            end = int(self.end[self.index])
            self.index, self.offering, self.idle = self.index + 1, False, 0
            if discard and self.index <= end:
                self.index = end

    def _keep_output(self, payload: int) -> None:
        self.outputs.append(payload)
        closing = self.stimulus.closing
        self.closed += not closing or bool(payload & closing)
        self.idle = 0
