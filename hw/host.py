"""The host's side of the link: asks a board who it is, and lets it classify images."""

import random
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy.typing as npt

from hw.events import Status, result
from hw.frame import DELIMITER, Frame, Kind, Unpacker, pack
from hw.registers import IDENTITY, PROTOCOL, REGISTERS, address
from hw.responder import VALUE_BYTES, result_bytes
from sim.command import InputError
from sim.encode import check_images
from sim.network import Network

PATIENCE_S = 2.0
"""A request takes less, unless it is lost."""

TRIES = 5
"""A line that loses so many in a row is no line."""


class Line(Protocol):
    """Carries bytes to a board and back; a serial port, or something that looks like one."""

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what has come; wait for at least one byte, but no longer than that."""
        ...

    def close(self) -> None:
        """Let the line go."""
        ...


class LinkError(InputError):
    """The board does not answer, or is not the one that was expected."""


@dataclass(frozen=True)
class Answer:
    """What a board said about one image.

    :param decision: class index; :param tick: of the decision; :param timed_out: no output fired.
    :param events: delivered to each layer. :param reads: weights looked up. :param cycles: of the machine's clock, from
        the image's first event to the decision.
    """

    decision: int
    tick: int
    timed_out: bool
    events: list[int]
    reads: int
    cycles: int

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``hw classify`` prints per image."""
        return dict(vars(self))


class Board:
    """A board that runs ``network``, at the other end of ``line``.

    Opening asks for identity, version and digest, and refuses a board that differs. Used in a ``with`` statement it
    closes the line.

    :param patience_s: time after which a request is sent again; :param tries: how often, before the board is gone.
    :raises LinkError: nobody answers, or another network or version is there.
    """

    def __init__(self, line: Line, network: Network, patience_s: float = PATIENCE_S, tries: int = TRIES):
        self.line, self.network, self.patience_s, self.tries = line, network, patience_s, tries
        self.window = 1
        self._unpacker = Unpacker()
        self._sequence = random.randrange(1 << 16)  # so that a reply to an earlier program is not taken for ours
        line.write(DELIMITER)
        self._identify()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def _identify(self) -> None:
        if self.read("identity") != IDENTITY:
            raise LinkError("board: answers, but is none of ours; program it with `python -m hw program`.")
        protocol = self.read("protocol")
        if protocol != PROTOCOL:
            raise LinkError(f"board: speaks version {protocol} of the link, not {PROTOCOL}; build its bitstream again.")
        digest = self.read("digest")
        if digest != self.network.digest:
            raise LinkError(
                f"board: runs network {digest:08x}, not {self.network.digest:08x}; "
                "give that network's folder, or build and program this one."
            )
        self.window = self.read("window")

    def read(self, name: str) -> int:
        """Return the value of a register.

        :raises LinkError: the board does not answer, or has no such register.
        """
        (payload,) = self._exchange([(Kind.READ, bytes((address(name),)))])
        return int.from_bytes(payload, "little")

    def registers(self) -> dict[str, int]:
        """Return all registers by name."""
        return {register.name: self.read(register.name) for register in REGISTERS}

    def classify(self, images: npt.NDArray[Any]) -> Iterator[Answer]:
        """Yield the board's answer to each image, in order, as they come.

        :param images: uint8 (n, height, width).
        :raises InputError: they are of another type or shape.
        :raises LinkError: the board stopped answering; what was yielded stays true.
        """
        images = check_images(self.network.encoder, images)
        requests = ((Kind.CLASSIFY, image.tobytes()) for image in images)
        for payload in self._exchange(requests):
            yield self._answer(payload)

    def _answer(self, payload: bytes) -> Answer:
        fields = result(self.network).from_bits(
            int.from_bytes(payload, "little") & (1 << result(self.network).size) - 1
        )
        outcome = fields.outcome
        if outcome.status == Status.DROPPED:
            raise LinkError("board: dropped an image that arrived whole; build its bitstream again.")
        events = [int(fields.events[layer]) for layer in range(len(self.network.layers))]
        reads = sum(count * layer.fan_out for count, layer in zip(events, self.network.layers, strict=True))
        timed_out = outcome.status == Status.TIMED_OUT
        return Answer(outcome.decision, outcome.tick, timed_out, events, reads, fields.cycles)

    def _exchange(self, requests: Iterable[tuple[Kind, bytes]]) -> Iterator[bytes]:
        """Send requests, as many at once as the board has room for; yield the replies' payloads in order."""
        waiting = deque[_Request]()
        source = iter(requests)
        answered = 0
        while True:
            while len(waiting) < self.window and (following := next(source, None)):
                self._sequence = (self._sequence + 1) & 0xFFFF
                waiting.append(_Request(Frame(self._sequence, *following)))
                self._send(waiting[-1], answered)
            if not waiting:
                return
            self._receive(waiting, answered)
            while waiting and waiting[0].reply is not None:
                answered += 1
                yield self._payload(waiting.popleft())

    def _send(self, request: "_Request", answered: int) -> None:
        if request.tries == self.tries:
            raise LinkError(
                f"board: no answer to request {answered + 1} after {TRIES} tries; check port, power and cable."
            )
        request.tries += 1
        request.sent_s = time.monotonic()
        try:
            self.line.write(pack(request.frame))
        except OSError as error:
            raise _disconnected(answered) from error

    def _receive(self, waiting: deque["_Request"], answered: int) -> None:
        """Take in what comes, and send again what was lost: a repeated request gets the same reply."""
        due_s = min(request.sent_s for request in waiting if request.reply is None) + self.patience_s
        try:
            data = self.line.read(max(0.0, due_s - time.monotonic()))
        except OSError as error:
            raise _disconnected(answered) from error
        by_sequence = {request.frame.sequence: request for request in waiting}
        for frame in self._unpacker.feed(data):
            request = by_sequence.get(frame.sequence)
            if request is not None and frame.kind in (request.frame.kind, Kind.REFUSED):
                request.reply = frame
        for request in waiting:
            if request.reply is None and time.monotonic() >= request.sent_s + self.patience_s:
                self._send(request, answered)

    def _payload(self, request: "_Request") -> bytes:
        """Return the reply's payload, checked for what its request must give."""
        reply, kind = request.reply, request.frame.kind
        assert reply is not None
        wanted = VALUE_BYTES if kind == Kind.READ else result_bytes(self.network)
        if reply.kind == Kind.REFUSED or len(reply.payload) != wanted:
            raise LinkError(f"board: refuses {kind.name}; it has another version, build its bitstream again.")
        return reply.payload


@dataclass
class _Request:
    """A request on its way."""

    frame: Frame
    tries: int = 0
    sent_s: float = 0.0
    reply: Frame | None = None


def _disconnected(answered: int) -> LinkError:
    return LinkError(f"board: is gone after {answered} answers; connect it again and give the remaining images.")
