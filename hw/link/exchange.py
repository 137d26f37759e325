"""Requests and their replies over a line that may lose any of them: a window, sequence numbers,
repeats.
"""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from hw.link.frame import DELIMITER, Frame, Kind, Unpacker, pack
from sim.errors import InputError

PATIENCE_S = 2.0
"""A request takes less on the line's clock, unless it is lost."""

TRIES = 5
"""A line that loses a request as many times is no line."""


class Line(Protocol):
    """Carries bytes to a board and back; a serial port, or something that looks like one."""

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what has come; wait for at least one byte, but no longer than that."""
        ...

    def seconds(self) -> float:
        """Return the time on the line's own clock, which began at any time: real seconds for a
        port, cycles for gateware in a simulator.
        """
        ...

    def close(self) -> None:
        """Let the line go."""
        ...


class LinkError(InputError):
    """The board does not answer, or is not the one that was expected."""


class Exchange:
    """Asks a board, and asks again where an answer is lost.

    :param line: carries requests and replies; its clock decides what is late.
    :param patience_s: time after which a request is sent again.
    :param tries: how often, before the board is gone.
    """

    def __init__(self, line: Line, patience_s: float, tries: int):
        self.line, self.patience_s, self.tries = line, patience_s, tries
        self._unpacker = Unpacker()
        # random, so that a reply to an earlier program is not taken for one to this one
        self._sequence = random.randrange(1 << 16)
        line.write(DELIMITER)

    def run(
        self, requests: Iterable[tuple[Kind, bytes]], window: int
    ) -> Iterator[tuple[Frame, Frame]]:
        """Send requests, ``window`` of them at once; yield each with its reply, in order.

        :raises LinkError: a request had no reply after all tries, or the line is gone.
        """
        waiting = deque[_Request]()
        source = iter(requests)
        answered = 0
        while True:
            while len(waiting) < window and (following := next(source, None)):
                self._sequence = (self._sequence + 1) & 0xFFFF
                waiting.append(_Request(Frame(self._sequence, *following)))
                self._send(waiting[-1], answered)
            if not waiting:
                return

            self._receive(waiting, answered)
            # a reply may overtake an earlier one that was lost, and then waits for it
            while waiting and waiting[0].reply is not None:
                answered += 1
                done = waiting.popleft()
                assert done.reply is not None
                yield done.frame, done.reply

    def _send(self, request: "_Request", answered: int) -> None:
        if request.tries == self.tries:
            raise LinkError(
                f"board: no answer to request {answered + 1} after {self.tries} tries; "
                "check port, power and cable."
            )
        request.tries += 1
        request.sent_s = self.line.seconds()
        try:
            self.line.write(pack(request.frame))
        except OSError as error:
            raise _disconnected(answered) from error

    def _receive(self, waiting: deque["_Request"], answered: int) -> None:
        """Take in what comes, and send again what was lost; it gets the same reply as before."""
        open_requests = [request for request in waiting if request.reply is None]
        due_s = min(request.sent_s for request in open_requests) + self.patience_s
        try:
            data = self.line.read(max(0.0, due_s - self.line.seconds()))
        except OSError as error:
            raise _disconnected(answered) from error

        by_sequence = {request.frame.sequence: request for request in waiting}
        for frame in self._unpacker.feed(data):
            request = by_sequence.get(frame.sequence)
            if request is not None and frame.kind in (request.frame.kind, Kind.REFUSED):
                request.reply = frame

        now_s = self.line.seconds()
        for request in waiting:
            if request.reply is None and now_s >= request.sent_s + self.patience_s:
                self._send(request, answered)


@dataclass
class _Request:
    """A request on its way.

    :param frame: what is sent.
    :param tries: how often it was sent.
    :param sent_s: when it was sent last, on the line's clock.
    :param reply: None until it has come.
    """

    frame: Frame
    tries: int = 0
    sent_s: float = 0.0
    reply: Frame | None = None


def _disconnected(answered: int) -> LinkError:
    return LinkError(
        f"board: is gone after {answered} answers; connect it again and give the remaining images."
    )
