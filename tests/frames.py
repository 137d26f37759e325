"""Frames drawn at random, and what lines do to them."""

import random

from hw.link.frame import HEAD, Frame, Kind


def content(frame: Frame) -> bytes:
    """The bytes that the gateware sees: the frame without check."""
    return HEAD.pack(frame.sequence, frame.kind.value, len(frame.payload)) + frame.payload


def some_frame(rng: random.Random, most: int = 20) -> Frame:
    payload = bytes(
        rng.choice((0, 0, 1, 254, 255, rng.randrange(256))) for _ in range(rng.randrange(most))
    )
    return Frame(rng.randrange(1 << 16), rng.choice(list(Kind)), payload)


def damage(rng: random.Random, line: bytes) -> bytes:
    """Do to a frame what lines do: flip bits, lose, double or insert bytes, cut it off."""
    place = rng.randrange(len(line))
    kind = rng.randrange(6)
    if kind == 0:
        return line[:place] + bytes((line[place] ^ 1 << rng.randrange(8),)) + line[place + 1 :]
    if kind == 1:
        return line[:place] + line[place + 1 + rng.randrange(4) :]
    if kind == 2:
        return line[:place] + line[max(0, place - rng.randrange(1, 4)) :]
    if kind == 3:
        return line[:place] + rng.randbytes(rng.randrange(1, 4)) + line[place:]
    if kind == 4:
        return line[:place]
    return bytes(rng.randrange(256) if rng.random() < 0.2 else byte for byte in line)
