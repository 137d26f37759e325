"""Answers requests: whole frames in, pixels to the machine, registers and results out."""

from math import prod
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.events import result, sample_beat
from hw.link.event_bytes import EventBytes
from hw.link.frame import EVENT, EVENTS_MOST, HEAD, LESSON, Kind
from hw.link.words import WHERE, WHERE_BYTES, Words
from hw.machine.host import HostPort
from hw.parameters import MachineParameters
from sim.encoders.intensity import Intensity
from sim.network import Network

VALUE_BYTES = 4
"""Bytes of a register."""

FETCH_BYTES = 240
"""Most bytes of words in one reply; with head and check it is still a single block of COBS."""

_HEAD_BITS = 8 * HEAD.size


def sample_bytes(network: Network) -> int:
    """Return the bytes of payload that bring an image, or at most as many events as go at once."""
    encoder = network.encoder
    if isinstance(encoder, Intensity):
        return prod(encoder.image_shape)
    return 1 + EVENTS_MOST * EVENT.size


def request_bytes(pipeline: MachineParameters) -> int:
    """Return the bytes of the longest payload of a request: an image, with its lesson, or events,
    or a word to load.
    """
    image_bytes = sample_bytes(pipeline.network)
    words = [WHERE_BYTES + rows.word_bytes for rows in pipeline.word_rows.values()]
    lesson_bytes = LESSON.size if pipeline.learns else 0
    return max([image_bytes + lesson_bytes, *words])


def result_bytes(pipeline: MachineParameters) -> int:
    """Return the bytes of a packed result, lowest first."""
    return -(-result(pipeline.network, pipeline.learns).size // 8)


class Responder(wiring.Component):
    """One request after the other.

    ``i``: content of whole frames (:class:`hw.link.framing.Receiver`). ``o``: content of replies,
    ``last`` on the last byte. ``pixels`` and ``results``: to and from the machine. ``address``,
    ``value``, ``known``: of the register file. ``host``: what it reaches inside the machine, see
    :class:`hw.machine.host.HostPort`. ``loaded`` as in :class:`hw.link.words.Words`; ``lessons``:
    how many the machine had, ``generator``: its state; 0 where there is none.

    A request that this board does not do is read to its end and refused; so are images while
    weights are missing.
    """

    i: stream.Interface
    o: stream.Interface
    pixels: stream.Interface
    results: stream.Interface
    address: Signal
    value: Signal
    known: Signal
    loaded: Signal
    lessons: Signal
    generator: Signal
    host: Any

    def __init__(self, pipeline: MachineParameters):
        network = pipeline.network
        self.network, self.learns = network, pipeline.learns
        self.rows, self.to_load = pipeline.word_rows, pipeline.loaded_layer
        self.image_bytes = sample_bytes(network)
        self.takes_events = not isinstance(network.encoder, Intensity)
        self.result_bytes = result_bytes(pipeline)
        self.answer_bytes = max(VALUE_BYTES, self.result_bytes, FETCH_BYTES if self.rows else 0)
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(data.StructLayout({"byte": 8, "last": 1}))),
                "pixels": Out(stream.Signature(sample_beat(network))),
                "results": In(stream.Signature(result(network, self.learns))),
                "address": Out(8),
                "value": In(32),
                "known": In(1),
                "loaded": Out(24),
                "lessons": Out(16),
                "generator": Out(32),
                "host": Out(HostPort(pipeline)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: a register that collects the head and later gives the reply away, and the sequence
        of a request.
        """
        m = Module()

        self.content = content = Signal(_HEAD_BITS + 8 * max(VALUE_BYTES, self.result_bytes))
        head, kind, length = content[:_HEAD_BITS], content[16:24], content[24:40]

        # ``remaining``: bytes of payload that are still to come, then bytes of the reply to go.
        # ``follow``: words follow the reply's head. ``repeatable``: the last result is that of the
        # last lesson.
        self.remaining = remaining = Signal(16)
        self.follow, self.repeatable = Signal(), Signal()
        self.sequence = Signal(16)  # of the last request with events
        index = Signal(range(HEAD.size))
        complete = Const(1) if self.to_load is None else Signal(name="complete")
        if not self.takes_events:
            m.d.comb += [
                self.pixels.payload.intensity.eq(self.i.payload),
                self.pixels.payload.last.eq(remaining == 1),
            ]

        with m.FSM():
            with m.State("HEAD"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [head.eq(Cat(head[8:], self.i.payload)), index.eq(index + 1)]
                    with m.If(index == HEAD.size - 1):
                        m.d.sync += index.eq(0)
                        m.next = "ROUTE"

            # The head is complete: its fields hold still from here on.
            with m.State("ROUTE"):
                m.d.sync += remaining.eq(length)
                self._route(m, kind, length, complete)

            if self.rows:
                self._exchange_words(m, kind, complete)
            if self.learns:
                self._take_lessons(m, kind)
            if self.takes_events:
                self._take_events(m, kind)

            with m.State("READ"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [remaining.eq(0), self.address.eq(self.i.payload)]
                    m.next = "LOOK"

            with m.State("LOOK"):
                m.next = "REFUSE"
                with m.If(self.known):
                    self._answer(m, kind, self.value, VALUE_BYTES)

            if not self.takes_events:
                self._take_pixels(m)

            with m.State("RESULT"):
                m.d.comb += self.results.ready.eq(1)
                with m.If(self.results.valid):
                    repeated = Kind.EVENTS if self.takes_events else Kind.LEARN
                    m.d.sync += self.repeatable.eq(kind == repeated.value)
                    self._answer(m, kind, Value.cast(self.results.payload), self.result_bytes)

            # A refused request is read to its end, so that the next one begins where it should.
            with m.State("REFUSE"):
                m.d.comb += self.i.ready.eq(remaining != 0)
                with m.If(remaining == 0):
                    self._answer(m, Const(Kind.REFUSED.value, 8), Const(0, 1), 0)
                with m.Elif(self.i.valid):
                    m.d.sync += remaining.eq(remaining - 1)

            with m.State("ANSWER"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.byte.eq(content[:8])]
                m.d.comb += self.o.payload.last.eq((remaining == 1) & ~self.follow)
                with m.If(self.o.ready):
                    m.d.sync += [content.eq(content >> 8), remaining.eq(remaining - 1)]
                    with m.If(remaining == 1):
                        m.next = "HEAD"
                        if self.rows:
                            with m.If(self.follow):
                                m.next = "WORDS"
        return m

    def _take_pixels(self, m: Module) -> None:
        """Add the state in which an image goes to the machine."""
        with m.State("PIXELS"):
            m.d.comb += [self.pixels.valid.eq(self.i.valid), self.i.ready.eq(self.pixels.ready)]
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += self.remaining.eq(self.remaining - 1)
                with m.If(self.remaining == 1):
                    m.next = "RESULT"

    def _route(self, m: Module, kind: Value, length: Value, complete: Value) -> None:
        """Choose the state that deals with a request; what is of another length is refused."""
        m.next = "REFUSE"
        with m.If((kind == Kind.READ.value) & (length == 1)):
            m.next = "READ"
        if self.takes_events:
            # Whole events only; what is asked once more is not given again.
            whole = (length[: EVENT.size.bit_length() - 1] == 1) & (length <= self.image_bytes)
            m.d.sync += self.repeatable.eq(0)
            with m.If((kind == Kind.EVENTS.value) & whole & complete):
                m.next = "EVENTS"
                with m.If(self.repeatable & (self.content[:16] == self.sequence)):
                    m.d.sync += self.repeatable.eq(1)
                    m.next = "AGAIN"
        else:
            with m.If((kind == Kind.CLASSIFY.value) & (length == self.image_bytes) & complete):
                m.next = "PIXELS"

        if self.rows:
            about_words = (kind == Kind.LOAD.value) | (kind == Kind.FETCH.value)
            with m.If(about_words & (length >= WHERE_BYTES)):
                m.next = "WHERE"
        if self.learns:
            with m.If((kind == Kind.LEARN.value) & (length == self.image_bytes + LESSON.size)):
                m.next = "LESSON"
            with m.If((kind == Kind.SEED.value) & (length == VALUE_BYTES)):
                m.next = "LESSON"

    def _exchange_words(self, m: Module, kind: Value, complete: Value) -> None:
        """Add the states of a request to load or fetch words: what does not fit is not begun."""
        m.submodules.exchange = exchange = Words(self.rows, self.to_load)
        where, remaining = Signal(WHERE), self.remaining
        connect(m, exchange.ports, flipped(self.host.words))
        m.d.comb += [
            exchange.where.eq(where),
            exchange.i.payload.eq(self.i.payload),
            self.loaded.eq(exchange.loaded),
        ]
        if self.to_load is not None:
            m.d.comb += complete.eq(exchange.complete)

        self._take_where(m, where)

        # Both kinds are allowed only whole: what is begun is never refused half way.
        with m.State("ALLOW"):
            m.next = "REFUSE"
            with m.If((kind == Kind.LOAD.value) & exchange.known & (exchange.size == remaining)):
                m.d.comb += exchange.start.eq(1)
                m.next = "LOAD"
            wanted = (kind == Kind.FETCH.value) & exchange.known
            with m.If(wanted & (remaining == 0) & (exchange.size <= FETCH_BYTES)):
                m.d.comb += [exchange.start.eq(1), exchange.reading.eq(1)]
                self._answer(m, kind, Const(0, 1), exchange.size, follow=True)

        with m.State("LOAD"):
            m.d.comb += [
                exchange.i.valid.eq(self.i.valid & (remaining != 0)),
                self.i.ready.eq(remaining != 0),
            ]
            with m.If(remaining == 0):
                self._answer(m, kind, Const(0, 1), 0)
            with m.Elif(self.i.valid):
                m.d.sync += remaining.eq(remaining - 1)

        self._give_words(m, exchange)

    def _give_words(self, m: Module, exchange: Words) -> None:
        """Add the state in which words leave, behind the head of a reply."""
        with m.State("WORDS"):
            m.d.comb += [
                self.o.valid.eq(exchange.o.valid),
                self.o.payload.eq(exchange.o.payload),
                exchange.o.ready.eq(self.o.ready),
            ]
            with m.If(exchange.o.valid & self.o.ready & exchange.o.payload.last):
                m.next = "HEAD"

    def _take_where(self, m: Module, where: data.View) -> None:
        """Add the state in which the request says which words it is about."""
        index = Signal(range(WHERE_BYTES))
        with m.State("WHERE"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [
                    where.eq(Cat(Value.cast(where)[8:], self.i.payload)),
                    index.eq(index + 1),
                    self.remaining.eq(self.remaining - 1),
                ]
                with m.If(index == WHERE_BYTES - 1):
                    m.d.sync += index.eq(0)
                    m.next = "ALLOW"

    def _take_lessons(self, m: Module, kind: Value) -> None:
        """Add the states of a labelled image, and of a new state for the generator: what comes
        before any pixels.
        """
        teach, remaining = self.host.teach, self.remaining
        front = Signal(8 * LESSON.size)
        number, label, skip = front[:16], front[16:32], front[32:40]
        index = Signal(range(LESSON.size))
        m.d.comb += [
            teach.lesson.payload.label.eq(label),
            teach.lesson.payload.skip.eq(skip),
            teach.seed.eq(front[8 * (LESSON.size - VALUE_BYTES) :]),
            self.generator.eq(teach.state),
        ]

        with m.State("LESSON"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [
                    front.eq(Cat(front[8:], self.i.payload)),
                    index.eq(index + 1),
                    remaining.eq(remaining - 1),
                ]
                with m.If((index == LESSON.size - 1) | (remaining == 1)):
                    m.d.sync += index.eq(0)
                    m.next = "TEACH"

        self._give_lesson(m, kind, number, label)
        self._repeat_result(m, kind)

    def _give_lesson(self, m: Module, kind: Value, number: Value, label: Value) -> None:
        """Add the state in which the learner gets a lesson, or its generator a new state.

        :param number: of the lesson.
        :param label: of its image.
        """
        teach = self.host.teach

        # A number that is the next one is a new lesson; the one before it is a repeated request,
        # whose reply was lost.
        with m.State("TEACH"):
            m.next = "REFUSE"
            with m.If(kind == Kind.SEED.value):
                m.d.comb += teach.set.eq(1)
                m.d.sync += [self.lessons.eq(0), self.repeatable.eq(0)]
                self._answer(m, kind, Const(0, 1), 0)
            with m.Elif((number == self.lessons) & (label < len(self.network.classes))):
                m.d.comb += teach.lesson.valid.eq(1)
                m.next = "TEACH"
                with m.If(teach.lesson.ready):
                    m.d.sync += self.lessons.eq(self.lessons + 1)
                    m.next = "PIXELS"
            with m.Elif((number + 1)[:16] == self.lessons), m.If(self.repeatable):
                m.next = "REPEAT"

    def _take_events(self, m: Module, kind: Value) -> None:
        """Add the states of a request with events, given for the first time or again."""
        m.submodules.event_bytes = found = EventBytes()
        remaining, last, asked = self.remaining, Signal(), Signal()
        payload = self.i.payload

        # The first byte of the payload says whether the sample ends with it.
        with m.State("EVENTS"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += [
                    last.eq(payload[0]),
                    self.sequence.eq(self.content[:16]),
                    remaining.eq(remaining - 1),
                ]
                m.next = "GIVE"

        with m.State("GIVE"):
            m.d.comb += [
                found.i.payload.eq(payload),
                found.i.valid.eq(self.i.valid & (remaining != 0)),
                self.i.ready.eq(found.i.ready & (remaining != 0)),
                self.pixels.payload.eq(found.o.payload),
                self.pixels.valid.eq(found.o.valid),
                found.o.ready.eq(self.pixels.ready),
            ]
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += remaining.eq(remaining - 1)
            with m.Elif((remaining == 0) & ~found.o.valid):
                m.next = "CLOSE"
                with m.If(~last):
                    m.d.sync += [self.repeatable.eq(1), asked.eq(self.results.valid)]
                    self._answer(m, kind, self.results.valid, 1)

        with m.State("CLOSE"):
            m.d.comb += [self.pixels.valid.eq(1), self.pixels.payload.last.eq(1)]
            with m.If(self.pixels.ready):
                m.next = "RESULT"
        self._answer_again(m, kind, last, asked)

    def _answer_again(self, m: Module, kind: Value, last: Value, asked: Value) -> None:
        """Add the state in which events are not given again.

        :param last: the reply is a result; else it is ``asked``.
        """
        remaining = self.remaining
        with m.State("AGAIN"):
            m.d.comb += self.i.ready.eq(remaining != 0)
            with m.If((remaining != 0) & self.i.valid):
                m.d.sync += remaining.eq(remaining - 1)
            with m.If(remaining == 0):
                with m.If(last):
                    self._answer(m, kind, Value.cast(self.results.payload), self.result_bytes)
                with m.Else():
                    self._answer(m, kind, asked, 1)

    def _repeat_result(self, m: Module, kind: Value) -> None:
        """Add the state in which a lesson is not given again: its image is ignored, and the result
        is still there.
        """
        remaining = self.remaining
        with m.State("REPEAT"):
            m.d.comb += self.i.ready.eq(remaining != 0)
            with m.If(remaining == 0):
                self._answer(m, kind, Value.cast(self.results.payload), self.result_bytes)
            with m.Elif(self.i.valid):
                m.d.sync += remaining.eq(remaining - 1)

    def _answer(
        self, m: Module, kind: Value, payload: Value, size: ValueLike, follow: bool = False
    ) -> None:
        """Begin a reply to the current request, whose sequence number stays where it is.

        :param kind: of the reply.
        :param payload: its bytes, lowest first.
        :param size: how many they are.
        :param follow: they do not come from here: words follow the head.
        """
        size_field = Signal(16)
        m.d.comb += size_field.eq(size)
        m.d.sync += [
            self.content[16:].eq(Cat(kind, size_field, payload)),
            self.follow.eq(follow),
            self.remaining.eq(HEAD.size if follow else HEAD.size + size_field),
        ]
        m.next = "ANSWER"
