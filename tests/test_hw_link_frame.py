"""Frames in software: whatever happens to bytes on the line, a frame arrives as it was sent or not
at all.
"""

import random
import zlib
from pathlib import Path

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from frames import damage, some_frame
from hw.link.frame import (
    CHECK,
    HEAD,
    MOST_PAYLOAD,
    Frame,
    FrameError,
    Kind,
    Unpacker,
    pack,
    unpack,
)
from sim.errors import InputError

frames = st.builds(
    Frame, st.integers(0, 0xFFFF), st.sampled_from(list(Kind)), st.binary(max_size=600)
)


@given(st.lists(frames, max_size=4), st.integers(1, 50))
def test_unpacker_gives_back_what_was_packed(sent, size):
    line = b"".join(map(pack, sent))
    unpacker = Unpacker()
    found = [
        frame
        for start in range(0, len(line), size)
        for frame in unpacker.feed(line[start : start + size])
    ]
    assert found == sent
    assert unpacker.damaged == 0


def block(content):
    """What is between two delimiters: any content, with its check."""
    return cobs.encode(content + CHECK.pack(zlib.crc32(content)))


def test_frame_of_unknown_kind_or_wrong_length_is_refused():
    whole = pack(Frame(1, Kind.READ, b"\x05")).strip(b"\0")
    assert unpack(whole) == unpack(block(HEAD.pack(1, Kind.READ.value, 1) + b"\x05"))
    for bad, problem in (
        (b"", "too short"),
        (b"\x01", "too short"),
        (b"\x09\x01", "not enough input bytes"),
        (block(HEAD.pack(1, 1, 1)[:-1]), "too short"),
        (whole[:-1] + bytes([whole[-1] ^ 64]), "fails its check"),
        (block(HEAD.pack(1, Kind.READ.value, 2) + b"\x05"), "has 1 bytes of payload and says 2"),
        (block(HEAD.pack(1, 99, 1) + b"\x05"), "of unknown kind 99"),
    ):
        with pytest.raises(FrameError, match=problem):
            unpack(bad)


def test_software_never_believes_10000_damaged_frames():
    """None of the 10,000 is taken for another frame, and the undamaged one after each of them
    always arrives.
    """
    rng = random.Random(4)
    for _ in range(10_000):
        frame, following = some_frame(rng), some_frame(rng)
        found = Unpacker().feed(damage(rng, pack(frame)) + pack(following))
        assert found in ([following], [frame, following])


def test_documentation_has_the_kinds_of_the_code():
    page = (Path(__file__).parent.parent / "docs" / "link.md").read_text()
    for kind in Kind:
        assert f"| {kind.value} | {kind.name.lower()} |" in page


def test_a_payload_longer_than_a_frame_can_say_is_refused():
    assert len(pack(Frame(1, Kind.CLASSIFY, bytes(MOST_PAYLOAD)))) > MOST_PAYLOAD
    with pytest.raises(InputError, match="65536 bytes are over 65535"):
        pack(Frame(1, Kind.CLASSIFY, bytes(MOST_PAYLOAD + 1)))
