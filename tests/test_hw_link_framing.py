"""Frames in hardware: whatever happens to bytes on the line, a frame arrives as it was sent or not
at all.
"""

import random

import pytest

from frames import content, damage, some_frame
from hw.link.frame import Frame, Kind, Unpacker, pack
from hw.link.framing import Buffer, Receiver, Sender
from testbenches import simulate, taker


def receive(line: bytes, buffer: Buffer, seed: int) -> tuple[bytes, int]:
    """Run the receiver over the bytes of a line and return what came out, and the count of damaged
    frames.
    """
    dut, rng, found = Receiver(buffer), random.Random(seed), bytearray()
    damaged = 0

    async def drive(ctx):
        nonlocal damaged
        for byte in line:
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, byte)
            await ctx.tick()
            if rng.random() < 0.3:
                ctx.set(dut.i.valid, 0)
                await ctx.tick().repeat(rng.randrange(1, 4))
        ctx.set(dut.i.valid, 0)
        await ctx.tick().repeat(2 * buffer.bytes)
        damaged = ctx.get(dut.damaged)

    simulate(dut, drive, taker(dut.o, found, rng, ready=0.8))
    return bytes(found), damaged


@pytest.mark.parametrize("seed", range(3))
def test_receiver_equals_unpacker_on_whole_frames(seed):
    rng = random.Random(seed)
    sent = [some_frame(rng, 700 if index == 3 else 20) for index in range(30)]
    found, damaged = receive(b"".join(map(pack, sent)), Buffer(2048), seed)
    assert found == b"".join(map(content, sent))
    assert damaged == 0


def test_receiver_never_believes_damaged_frames():
    """The gateware takes exactly the frames that the software takes, from the same damaged
    bytes.
    """
    _fuzz_receiver(count=300, seed=5)


@pytest.mark.slow
def test_receiver_never_believes_10000_damaged_frames():
    _fuzz_receiver(count=10_000, seed=6)


def _fuzz_receiver(count: int, seed: int) -> None:
    rng = random.Random(seed)
    sent = [some_frame(rng) for _ in range(2 * count)]
    line = b"".join(
        damage(rng, pack(frame)) if index % 2 else pack(frame) for index, frame in enumerate(sent)
    )
    unpacker = Unpacker()
    whole = unpacker.feed(line + b"\0")
    assert set(whole) <= set(sent)
    assert set(sent[::2]) <= set(whole)
    found, damaged = receive(line + b"\0", Buffer(256), seed)
    assert found == b"".join(map(content, whole))
    assert damaged == unpacker.damaged


def test_receiver_drops_what_does_not_fit_and_goes_on():
    small, large = Frame(1, Kind.READ, b"\1"), Frame(2, Kind.CLASSIFY, bytes(range(1, 100)))
    found, damaged = receive(pack(small) + pack(large) + pack(small), Buffer(64), 0)
    assert found == 2 * content(small)
    assert damaged == 1


@pytest.mark.parametrize("seed", range(3))
def test_sender_packs_as_the_software_does(seed):
    rng = random.Random(seed)
    sent = [some_frame(rng, 30) for _ in range(40)]
    dut, found = Sender(5 + 30 + 4), bytearray()
    expected = b"".join(map(pack, sent))

    async def drive(ctx):
        for frame in sent:
            body = content(frame)
            for index, byte in enumerate(body):
                ctx.set(dut.i.payload, {"byte": byte, "last": index == len(body) - 1})
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
                ctx.set(dut.i.valid, 0)
                if rng.random() < 0.3:
                    await ctx.tick().repeat(rng.randrange(1, 4))
        await ctx.tick().repeat(200)

    simulate(dut, drive, taker(dut.o, found, rng, ready=0.6))
    assert bytes(found) == expected
