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
    start = rng.randrange(len(line))
    kind = rng.randrange(6)
    if kind == 0:
        return line[:start] + bytes((line[start] ^ 1 << rng.randrange(8),)) + line[start + 1 :]
    if kind == 1:
        return line[:start] + line[start + 1 + rng.randrange(4) :]
    if kind == 2:
        return line[:start] + line[max(0, start - rng.randrange(1, 4)) :]
    if kind == 3:
        return line[:start] + rng.randbytes(rng.randrange(1, 4)) + line[start:]
    if kind == 4:
        return line[:start]
    return bytes(rng.randrange(256) if rng.random() < 0.2 else byte for byte in line)
