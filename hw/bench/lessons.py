"""Runs labelled images through the gateware: what :mod:`hw.bench.simulate` is for decisions, for
learning in place.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bench.engine import Run, Stimulus
from hw.bench.engines import make_engine
from hw.bench.trace import field, input_events
from hw.events import event, lesson, result
from hw.machine.pipeline import Pipeline
from hw.parameters import MachineParameters
from sim.files import AnyPath
from sim.network import Network


class Kind(enum.Enum, shape=2):
    """What a beat for a :class:`Classroom` means."""

    EVENT = 0
    """An event of an image."""
    LESSON = 1
    """The next image is one to learn."""
    SEED = 2
    """The state of the generator."""
    FETCH = 3
    """A word of weights is wanted."""


class Classroom(wiring.Component):
    """A pipeline that learns, with all that a host would do to it on one stream.

    ``i``: beats of a :class:`Kind`. ``o``: per image, and per word wanted, one beat: the image's
    ``result``, the ``word``, and the generator's ``state``.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, parameters: MachineParameters):
        self.parameters = parameters
        network, rows = parameters.network, parameters.word_rows
        deepest = max(each.depth for each in rows.values())
        where = data.StructLayout({"layer": 1, "address": deepest.bit_length()})
        content = data.UnionLayout(
            {"event": event(network), "lesson": lesson(network), "seed": 32, "where": where}
        )

        answer = {
            "result": result(network, True),
            "state": 32,
            "word": max(each.word.size for each in rows.values()),
        }
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout({"kind": Kind, "content": content}))),
                "o": Out(stream.Signature(data.StructLayout(answer))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: hand each beat to whom it is for; a word waits until the result before it has
        left.
        """
        m = Module()

        m.submodules.pipeline = pipeline = Pipeline(self.parameters)
        words, teach = pipeline.host.words, pipeline.host.teach
        ports: list[Any] = [words.layer_0, words.layer_1]
        kind, content = self.i.payload.kind, self.i.payload.content
        word = Signal.like(self.o.payload.word)
        m.d.comb += [
            pipeline.i.payload.eq(content.event),
            teach.lesson.payload.eq(content.lesson),
            teach.seed.eq(content.seed),
            *(port.address.eq(content.where.address) for port in ports),
            self.o.payload.result.eq(pipeline.o.payload),
            self.o.payload.state.eq(teach.state),
            self.o.payload.word.eq(word),
            self.o.valid.eq(pipeline.o.valid),
            pipeline.o.ready.eq(self.o.ready),
        ]

        # A word comes in three steps, as from the link: ask, take, give.
        with m.FSM():
            with m.State("PASS"), m.If(self.i.valid), m.Switch(kind):
                with m.Case(Kind.EVENT):
                    m.d.comb += [pipeline.i.valid.eq(1), self.i.ready.eq(pipeline.i.ready)]
                with m.Case(Kind.LESSON):
                    m.d.comb += [teach.lesson.valid.eq(1), self.i.ready.eq(teach.lesson.ready)]
                with m.Case(Kind.SEED):
                    m.d.comb += [teach.set.eq(1), self.i.ready.eq(1)]
                with m.Case(Kind.FETCH), m.If(~pipeline.o.valid):
                    m.d.comb += [port.read.eq(1) for port in ports]
                    m.next = "WORD"

            with m.State("WORD"):
                m.d.sync += word.eq(ports[0].word)
                with m.If(content.where.layer == 1):
                    m.d.sync += word.eq(ports[1].word)
                m.next = "GIVE"

            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.comb += self.i.ready.eq(1)
                    m.next = "PASS"
        return m


@dataclass(frozen=True, eq=False)
class Course:
    """Labelled images, in order.

    :param images: uint8 (n, height, width).
    :param labels: (n,); -1: the image is classified and not learnt.
    :param skip: (n,), of :mod:`sim.learning.supervised`.
    :param state: of the generator, before.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[Any]
    skip: npt.NDArray[Any]
    state: int


@dataclass(frozen=True, eq=False)
class Learnt:
    """What the gateware made of a course.

    :param network: with the weights after it, every word of them read back.
    :param state: of the generator after it.
    :param generator: (n,), its state after each image.
    :param status: (n,), how each image ended, as :class:`hw.events.Status`.
    :param tick: (n,), when it was decided.
    :param decision: (n,), before it was learnt.
    :param updated: (n,), as in :class:`sim.learning.supervised_batch.Lessons`, like the next two;
        zeros for images that were not learnt.
    :param rows: (n,).
    :param changed: (n,).
    :param cycles: (n,), from the image's first event to its result, the lesson included.
    """

    network: Network
    state: int
    generator: npt.NDArray[np.int64]
    status: npt.NDArray[np.int64]
    tick: npt.NDArray[np.int64]
    decision: npt.NDArray[np.int64]
    updated: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    changed: npt.NDArray[np.int64]
    cycles: npt.NDArray[np.int64]


class Lessons:
    """A pipeline that learns, ready to be taught.

    :param parameters: with a rule.
    :param engine: of :data:`hw.bench.engines.ENGINES`.
    :param vcd: where all signals are kept; only with ``amaranth``.
    :raises InputError: the engine's tools are missing.
    """

    def __init__(
        self, parameters: MachineParameters, engine: str = "verilator", vcd: AnyPath | None = None
    ):
        vcd = None if vcd is None else Path(vcd)
        self.parameters = parameters
        self.room = Classroom(parameters)
        self.engine = make_engine(engine, self.room, vcd)

    def run(self, course: Course, seed: int | None = None) -> Learnt:
        """Teach a course from the weights of the parameters on; ``seed`` adds random pauses on both
        streams.

        :raises HangError: the gateware stops.
        """
        return self.run_beats(self.beats(course), seed)

    def run_beats(self, images: list[list[int]], seed: int | None = None) -> Learnt:
        """Run what :meth:`beats` gave, and then read all words."""
        words = [
            [self._beat(Kind.FETCH, where={"layer": layer, "address": address})]
            for layer, rows in self.parameters.word_rows.items()
            for address in range(rows.depth)
        ]
        run = self.engine.run(Stimulus([*images, *words], seed=seed))

        layout, count = self.room.o.payload.shape(), len(images)
        results = run.outputs[:count]
        return Learnt(
            network=self._network(run, count),
            state=int(field(run.outputs, layout, "state")[-1]),
            generator=field(results, layout, "state"),
            status=field(results, layout, "result", "outcome", "status"),
            tick=field(results, layout, "result", "outcome", "tick"),
            decision=field(results, layout, "result", "outcome", "decision"),
            updated=field(results, layout, "result", "learnt", "updated"),
            rows=field(results, layout, "result", "learnt", "rows"),
            changed=field(results, layout, "result", "learnt", "changed"),
            cycles=field(results, layout, "result", "cycles"),
        )

    def _beat(self, kind: Kind, **content: Any) -> int:
        layout = self.room.i.payload.shape()
        return layout.const({"kind": kind, "content": content}).as_value().value

    def event(self, beat: int) -> int:
        """Return the beat that carries a beat of an event stream."""
        return beat << self.room.i.payload.shape()["content"].offset

    def beats(self, course: Course) -> list[list[int]]:
        """Return, per image, what leads to its result."""
        events = [
            [self.event(beat) for beat in image]
            for image in input_events(self.parameters.network, course.images)
        ]
        labels, skips = course.labels.tolist(), course.skip.tolist()
        for image, label, skip in zip(events, labels, skips, strict=True):
            if label >= 0:
                image.insert(0, self._beat(Kind.LESSON, lesson={"label": label, "skip": skip}))

        # The first image's beats begin with the generator's state.
        events[0].insert(0, self._beat(Kind.SEED, seed=course.state))
        return events

    def _network(self, run: Run, start: int) -> Network:
        """Return the network whose words came after the results."""
        layers: list[Any] = []
        offset = self.room.o.payload.shape()["word"].offset
        for layer, rows in self.parameters.word_rows.items():
            found = run.outputs[start : start + rows.depth]
            start += rows.depth

            # A word is a field of its beat; there it may be anywhere.
            beats = [int.from_bytes(beat.astype("<u4").tobytes(), "little") for beat in found]
            mask = (1 << rows.word.size) - 1
            weight = rows.unpack([beat >> offset & mask for beat in beats])
            layers.append(self.parameters.network.layers[layer].with_weight(weight))
        return replace(self.parameters.network, layers=tuple(layers))
