"""What travels on the serial line, stated once: frames, and the software that packs and unpacks
them.

A frame is a zero byte, the COBS encoding of *head, payload, check*, and a zero byte. COBS leaves no
zero inside, so after any damage the next zero byte is the start of something whole. All numbers are
little-endian.

| part | bytes | meaning |
|---|---|---|
| sequence | 2 | chosen by the host; a reply repeats its request's |
| kind | 1 | :class:`Kind` |
| length | 2 | bytes of payload |
| payload | length | |
| check | 4 | CRC-32 (Ethernet's, zlib's) of everything before |

A frame that is too short, of another length than it says, or fails its check does not exist: nobody
answers it, and the host asks again. A request changes nothing that asking twice would not, so a
repeated one is harmless.
"""

import struct
import zlib
from typing import NamedTuple

from amaranth.lib import enum
from cobs import cobs

from sim.errors import require

HEAD = struct.Struct("<HBH")
"""Sequence, kind, length."""

LESSON = struct.Struct("<HHB")
"""What comes before the image in ``Kind.LEARN``: number of the lesson, label, skip."""

EVENT = struct.Struct("<II")
"""Tick and input of an event."""

EVENTS_MOST = 31
"""Events in one request, which with head and check is about as long as a reply can be."""

CHECK = struct.Struct("<I")
"""CRC-32."""

DELIMITER = b"\0"

MOST_PAYLOAD = (1 << 16) - 1
"""Bytes of payload that a frame can say."""


class Kind(enum.Enum, shape=8):
    """What a frame asks or answers."""

    READ = 1
    """Payload: address (1 byte) of a register. Reply: its value (4 bytes)."""
    CLASSIFY = 2
    """Payload: the image's intensities in raster order. Reply: the result, packed as
    :func:`hw.events.result`.
    """
    LOAD = 3
    """Payload: layer (1 byte), index of a word (3), number of words (1), these words. Reply: no
    payload.
    """
    FETCH = 4
    """Payload: layer (1 byte), index of a word (3), number of words (1). Reply: these words."""
    LEARN = 5
    """Payload: number of the lesson (2 bytes), label (2), ``skip`` of
    :mod:`sim.learning.supervised` (1), the image's intensities in raster order. Reply: the result.
    The number must be that of register ``lessons``; with the number before it, the lesson is not
    given again, and the reply is that of the first time.
    """
    SEED = 6
    """Payload: state of the generator (4 bytes). Register ``lessons`` begins at 0 again. Reply: no
    payload.
    """
    EVENTS = 7
    """Payload: 1 if these are a sample's last events, else 0 (1 byte); then up to
    :data:`EVENTS_MOST` events, each its tick (4) and its input (4). Reply to the last ones: the
    result. To others: 1 if the sample has ended already (1 byte), else 0; then the host may go on
    to a last request without events. With the sequence number of the request before it the events
    are not given again, and the reply is that of the first time.
    """
    REFUSED = 255
    """Only as a reply: the request is whole, but this board does not do it, or not with this
    payload. No payload.
    """


class Frame(NamedTuple):
    """One request or reply.

    :param sequence: chosen by the host; a reply repeats its request's.
    :param kind: what it asks or answers.
    :param payload: depends on the kind.
    """

    sequence: int
    kind: Kind
    payload: bytes


class FrameError(ValueError):
    """These bytes are no frame."""


def pack(frame: Frame) -> bytes:
    """Return the bytes of a frame on the line, both delimiters included.

    :raises InputError: its payload is longer than a frame can say.
    """
    length = len(frame.payload)
    require(length <= MOST_PAYLOAD, "frame", f"{length} bytes are over {MOST_PAYLOAD}")
    content = HEAD.pack(frame.sequence, frame.kind.value, len(frame.payload)) + frame.payload
    return DELIMITER + cobs.encode(content + CHECK.pack(zlib.crc32(content))) + DELIMITER


def unpack(block: bytes) -> Frame:
    """Return the frame between two delimiters.

    :raises FrameError: it is damaged, or of an unknown kind.
    """
    try:
        content = cobs.decode(block)
    except cobs.DecodeError as error:
        raise FrameError(str(error)) from error

    if len(content) < HEAD.size + CHECK.size:
        raise FrameError("is too short")
    body, (check,) = content[: -CHECK.size], CHECK.unpack(content[-CHECK.size :])
    if zlib.crc32(body) != check:
        raise FrameError("fails its check")

    sequence, kind, length = HEAD.unpack_from(body)
    if length != len(body) - HEAD.size:
        raise FrameError(f"has {len(body) - HEAD.size} bytes of payload and says {length}")

    try:
        return Frame(sequence, Kind(kind), body[HEAD.size :])
    except ValueError as error:
        raise FrameError(f"is of unknown kind {kind}") from error


class Unpacker:
    """Finds the frames in a stream of bytes that comes in pieces of any size."""

    def __init__(self) -> None:
        self.damaged = 0
        """Blocks between delimiters that were no frames."""
        self._rest = b""

    def feed(self, more: bytes) -> list[Frame]:
        """Return the frames that ``more`` completes."""
        # What follows the last delimiter may still go on.
        *blocks, self._rest = (self._rest + more).split(DELIMITER)

        frames: list[Frame] = []
        for block in blocks:
            if not block:  # between two frames there are two delimiters
                continue
            try:
                frames.append(unpack(block))
            except FrameError:
                self.damaged += 1
        return frames
