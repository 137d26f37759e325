"""The host's side of the link: asks a board who it is, and lets it classify images."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hw.events import Status, result
from hw.link.exchange import PATIENCE_S, TRIES, Exchange, Line, LinkError
from hw.link.frame import EVENT, EVENTS_MOST, LESSON, Frame, Kind
from hw.link.registers import IDENTITY, PROTOCOL, REGISTERS, address, layers_to_load
from hw.link.responder import FETCH_BYTES, VALUE_BYTES, request_bytes, result_bytes
from hw.link.words import WHERE_BYTES, split, where
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from sim.encoders.events import EventList
from sim.encoders.intensity import check_images, image_encoder
from sim.learning.supervised import Rule
from sim.network import Network


@dataclass(frozen=True)
class Answer:
    """What a board said about one image.

    :param decision: class index.
    :param tick: of the decision.
    :param timed_out: no output fired.
    :param events: delivered to each layer.
    :param reads: weights looked up; None: of a convolution the board does not count them.
    :param cycles: of the machine's clock, from the image's first event to the decision.
    """

    decision: int
    tick: int
    timed_out: bool
    events: list[int]
    reads: int | None
    cycles: int

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``hw classify`` prints per image."""
        return dict(vars(self))


@dataclass(frozen=True)
class Taught(Answer):
    """What a board said about one labelled image: its decision before, and what
    :mod:`sim.learning.supervised` counts.

    ``events`` and ``cycles`` are those of the whole image and its lesson.

    :param updated: the image taught something.
    :param rows: weight rows written.
    :param changed: weights that moved.
    """

    updated: bool
    rows: int
    changed: int


class Board:
    """A board that runs ``network``, at the other end of ``line``.

    Opening asks for identity, version and digest, and refuses a board that differs; ``pipeline`` is
    the machine as the board has it. Used in a ``with`` statement it closes the line.

    :param line: to the board.
    :param network: that it should run.
    :param patience_s: time after which a request is sent again.
    :param tries: how often, before the board is gone.
    :raises LinkError: nobody answers, or another network or version is there.
    """

    def __init__(
        self, line: Line, network: Network, patience_s: float = PATIENCE_S, tries: int = TRIES
    ):
        self.line, self.network = line, network
        self.window = 1
        self._exchange = Exchange(line, patience_s, tries)
        self._identify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def _identify(self) -> None:
        """Ask who the board is, and how it is built."""
        if self.read("identity") != IDENTITY:
            raise LinkError(
                "board: answers, but is none of ours; program it with `python -m hw program`."
            )

        protocol = self.read("protocol")
        if protocol != PROTOCOL:
            raise LinkError(
                f"board: speaks version {protocol} of the link, not {PROTOCOL}; build its "
                "bitstream again."
            )

        digest = self.read("digest")
        if digest == 0:  # the register's word for a flash with other weights
            raise LinkError(
                "board: in its flash are another network's weights, or none that it can read; "
                "put bitstream and weights there with `python -m hw program`."
            )
        if digest != self.network.digest:
            raise LinkError(
                f"board: runs network {digest:08x}, not {self.network.digest:08x}; "
                "give that network's folder, or build and program this one."
            )

        self.window = self.read("window")
        names = ("margin", "reach", "rivals", "noise_bits")
        rule = Rule(*(self.read(name) for name in names)) if self.read("learns") else None
        self.pipeline = MachineParameters(self.network, self.read("lanes"), rule)
        for layer in layers_to_load(self.read("to_load")):
            self.pipeline = self.pipeline.with_placement(layer, SPRAM)

    def read(self, name: str) -> int:
        """Return the value of a register.

        :raises LinkError: the board does not answer, or has no such register.
        """
        (payload,) = self._ask([(Kind.READ, bytes((address(name),)))], 1)
        return int.from_bytes(payload, "little")

    def registers(self) -> dict[str, int]:
        """Return all registers by name."""
        return {register.name: self.read(register.name) for register in REGISTERS}

    def words_missing(self) -> int:
        """Return how many words of weights the board still waits for; 0 if all came with its
        bitstream.
        """
        layer = self.pipeline.loaded_layer
        return 0 if layer is None else self.pipeline.word_rows[layer].depth - self.read("loaded")

    def load_weights(self) -> Iterator[int]:
        """Load the words that the board still waits for; yield how many more are there as they
        arrive.

        :raises LinkError: the board stopped answering; loading goes on from there next time.
        """
        while missing := self.words_missing():
            layer = self.pipeline.loaded_layer
            assert layer is not None
            rows = self.pipeline.word_rows[layer]
            first = rows.depth - missing
            yield from self.load_words(layer, first, rows.pack()[first:])

    def load_words(self, layer: int, first: int, words: Sequence[int]) -> Iterator[int]:
        """Write words of a layer from index ``first`` on; yield how many more are written.

        :raises LinkError: the board does not answer, or has no such words.
        """
        rows = self.pipeline.word_rows[layer]
        counts = split(len(words), rows.word_bytes, request_bytes(self.pipeline) - WHERE_BYTES)
        parts = [words[start : start + count] for start, count in counts]

        payloads = (
            where(layer, first + start, count)
            + b"".join(word.to_bytes(rows.word_bytes, "little") for word in part)
            for (start, count), part in zip(counts, parts, strict=True)
        )
        # One at a time, so in order: the board counts up to a gap.
        replies = self._ask(((Kind.LOAD, payload) for payload in payloads), 1)
        for part, _ in zip(parts, replies, strict=True):
            yield len(part)

    def fetch_words(self, layer: int) -> Iterator[int]:
        """Yield every word of a layer, in order; see :meth:`hw.rows.Rows.pack`.

        :raises LinkError: the board does not answer, or the words of that layer are out of reach.
        """
        rows = self.pipeline.word_rows[layer]
        counts = split(rows.depth, rows.word_bytes, FETCH_BYTES)
        requests = ((Kind.FETCH, where(layer, *part)) for part in counts)
        for payload in self._ask(requests, self.window):
            for start in range(0, len(payload), rows.word_bytes):
                yield int.from_bytes(payload[start : start + rows.word_bytes], "little")

    def classify(self, images: Any) -> Iterator[Answer]:
        """Yield the board's answer to each image, in order, as they come; load the weights before,
        if it lacks them.

        :param images: uint8 (n, height, width), or an :class:`~sim.encoders.events.EventList`.
        :raises InputError: they are of another type or shape.
        :raises LinkError: the board stopped answering; what was yielded stays true.
        """
        self.network.encoder.count(images, self.network.last_tick)
        deque(self.load_weights(), maxlen=0)
        if isinstance(images, EventList):
            self._give_events(b"", last=True)  # closes what an earlier host may have left open
            for index in range(len(images)):
                yield self._answer(self._fields(self._stream(images[index])))
            return

        requests = ((Kind.CLASSIFY, image.tobytes()) for image in images)
        for payload in self._ask(requests, self.window):
            yield self._answer(self._fields(payload))

    def _stream(self, sample: EventList) -> bytes:
        """Give the events of one sample, as many at a time as a request has room for, until the
        board has decided or all are there; return the packed result.
        """
        pairs = zip(sample.tick.tolist(), sample.input.tolist(), strict=True)
        events = [EVENT.pack(*pair) for pair in pairs]
        for start in range(0, len(events) - EVENTS_MOST, EVENTS_MOST):
            ended = self._give_events(b"".join(events[start : start + EVENTS_MOST]), last=False)
            if ended[0]:
                return self._give_events(b"", last=True)
        rest = (len(events) - 1) // EVENTS_MOST * EVENTS_MOST if events else 0
        return self._give_events(b"".join(events[rest:]), last=True)

    def _give_events(self, events: bytes, last: bool) -> bytes:
        """Send one request with packed events; return the payload of its reply."""
        (reply,) = self._ask([(Kind.EVENTS, bytes((last,)) + events)], 1)
        return reply

    def set_generator(self, state: int) -> None:
        """Set the generator of the rule, and begin to count lessons anew.

        :raises LinkError: the board does not answer, or does not learn.
        """
        deque(self._ask([(Kind.SEED, state.to_bytes(4, "little"))], 1), maxlen=0)

    def learn(
        self, images: npt.NDArray[Any], labels: Iterable[int], skip: Iterable[int]
    ) -> Iterator[Taught]:
        """Teach the board one image after the other, each exactly once, and yield its answer to
        each.

        :param images: uint8 (n, height, width).
        :param labels: their classes.
        :param skip: of :mod:`sim.learning.supervised`.
        :raises InputError: they are of another type or shape.
        :raises LinkError: the board stopped answering, or does not learn; register ``lessons``
            tells how far it came.
        """
        images, number = (
            check_images(image_encoder(self.network.encoder), images),
            self.read("lessons"),
        )
        requests = (
            (Kind.LEARN, LESSON.pack(number + index & 0xFFFF, label, level) + image.tobytes())
            for index, (image, label, level) in enumerate(zip(images, labels, skip, strict=True))
        )

        # One at a time, so in order: the weights are others after each.
        for payload in self._ask(requests, 1):
            fields = self._fields(payload)
            learnt = fields.learnt
            yield Taught(
                **vars(self._answer(fields)),
                updated=bool(learnt.updated),
                rows=learnt.rows,
                changed=learnt.changed,
            )

    def _fields(self, payload: bytes) -> Any:
        """Return the fields of a packed result."""
        # Its bytes are whole, the bits beyond the last field are not.
        layout = result(self.network, self.pipeline.learns)
        return layout.from_bits(int.from_bytes(payload, "little") & (1 << layout.size) - 1)

    def _answer(self, fields: Any) -> Answer:
        """Return the answer that a result is.

        :raises LinkError: the image was dropped.
        """
        outcome = fields.outcome
        if outcome.status == Status.DROPPED:
            raise LinkError(
                "board: dropped an image that arrived whole; build its bitstream again."
            )

        # The board counts rows; how many weights these are is the network's to say.
        events = [int(fields.events[layer]) for layer in range(len(self.network.layers))]
        found = self.network.reads(np.array(events))
        reads = None if found is None else int(found)

        timed_out = outcome.status == Status.TIMED_OUT
        return Answer(outcome.decision, outcome.tick, timed_out, events, reads, fields.cycles)

    def _ask(self, requests: Iterable[tuple[Kind, bytes]], window: int) -> Iterator[bytes]:
        """Yield the replies' payloads, in order, each checked for what its request must give."""
        for request, reply in self._exchange.run(requests, window):
            if reply.kind == Kind.REFUSED or len(reply.payload) != self._reply_bytes(request):
                raise LinkError(
                    f"board: refuses {request.kind.name}; it has another version, build its "
                    "bitstream again."
                )
            yield reply.payload

    def _reply_bytes(self, request: Frame) -> int:
        """Return the bytes of payload in the reply to a request that is not refused."""
        if request.kind == Kind.READ:
            return VALUE_BYTES
        if request.kind in (Kind.CLASSIFY, Kind.LEARN):
            return result_bytes(self.pipeline)
        if request.kind == Kind.EVENTS:
            return result_bytes(self.pipeline) if request.payload[0] else 1
        if request.kind in (Kind.LOAD, Kind.SEED):
            return 0

        # What remains is FETCH: its payload says how many words come.
        layer, count = request.payload[0], request.payload[WHERE_BYTES - 1]
        return count * self.pipeline.word_rows[layer].word_bytes
