"""The link: whatever happens to bytes on the line, a frame arrives as it was sent or not at all."""

import random
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from hw.link.frame import HEAD, Frame, FrameError, Kind, Unpacker, pack, unpack
from hw.link.framing import Buffer, Receiver, Sender
from hw.link.registers import markdown
from hw.link.uart import UartReceiver, UartTransmitter, bit_cycles
from sim.errors import InputError

frames = st.builds(
    Frame, st.integers(0, 0xFFFF), st.sampled_from(list(Kind)), st.binary(max_size=600)
)
PERIOD = 1e-6


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

    async def take(ctx):
        while True:
            ctx.set(dut.o.ready, rng.random() < 0.8)
            _, _, valid, ready, payload = await ctx.tick().sample(
                dut.o.valid, dut.o.ready, dut.o.payload
            )
            if valid and ready:
                found.append(payload)

    _run(dut, drive, take)
    return bytes(found), damaged


def _run(dut: wiring.Component, testbench, background) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(PERIOD)
    simulator.add_testbench(testbench)
    simulator.add_testbench(background, background=True)
    simulator.run()


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


def test_frame_of_unknown_kind_or_wrong_length_is_refused():
    for block in (b"", b"\x01", pack(Frame(1, Kind.READ, b"\x05")).strip(b"\0")[:-1]):
        with pytest.raises(FrameError):
            unpack(block)


def test_software_never_believes_10000_damaged_frames():
    """None of the 10,000 is taken for another frame, and the undamaged one after each of them
    always arrives.
    """
    rng = random.Random(4)
    for _ in range(10_000):
        frame, following = some_frame(rng), some_frame(rng)
        found = Unpacker().feed(damage(rng, pack(frame)) + pack(following))
        assert found in ([following], [frame, following])


@pytest.mark.parametrize("seed", range(3))
def test_receiver_equals_unpacker_on_whole_frames(seed):
    rng = random.Random(seed)
    sent = [some_frame(rng, 700 if index == 3 else 20) for index in range(30)]
    found, damaged = receive(b"".join(map(pack, sent)), Buffer(2048), seed)
    assert found == b"".join(map(content, sent))
    assert damaged == 0


def test_receiver_never_believes_damaged_frames():
    """The gateware takes exactly the frames that the software takes, from the same damaged bytes."""
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

    async def take(ctx):
        while True:
            ctx.set(dut.o.ready, rng.random() < 0.6)
            _, _, valid, ready, payload = await ctx.tick().sample(
                dut.o.valid, dut.o.ready, dut.o.payload
            )
            if valid and ready:
                found.append(payload)

    _run(dut, drive, take)
    assert bytes(found) == expected


class Loop(wiring.Component):
    """A transmitter and a receiver on one wire, with clocks that need not agree."""

    def __init__(self, transmit: int, receive: int):
        self.transmitter, self.receiver = UartTransmitter(transmit), UartReceiver(receive)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules += [self.transmitter, self.receiver]
        m.d.comb += self.receiver.rx.eq(self.transmitter.tx)
        return m


@pytest.mark.parametrize(
    ("transmit", "receive"), [(4, 4), (12, 12), (25, 25), (100, 98), (100, 102)]
)
def test_uart_carries_every_byte(transmit, receive):
    dut, found = Loop(transmit, receive), []
    sent = [*np.random.default_rng(1).integers(0, 256, 25).tolist(), 0, 255]

    async def drive(ctx):
        for byte in sent:
            ctx.set(dut.transmitter.i.payload, byte)
            ctx.set(dut.transmitter.i.valid, 1)
            await ctx.tick().until(dut.transmitter.i.ready)
        ctx.set(dut.transmitter.i.valid, 0)
        await ctx.tick().repeat(12 * transmit)

    async def take(ctx):
        ctx.set(dut.receiver.o.ready, 1)
        while True:
            _, _, valid, payload = await ctx.tick().sample(
                dut.receiver.o.valid, dut.receiver.o.payload
            )
            if valid:
                found.append(payload)

    _run(dut, drive, take)
    assert found == sent


def test_bit_rate_that_the_clock_cannot_make_is_refused():
    assert bit_cycles(25e6, 1_000_000) == 25
    for clock, baud in ((12e6, 4_000_000), (12e6, 2_500_000)):
        with pytest.raises(InputError, match="slower"):
            bit_cycles(clock, baud)


def test_documentation_has_the_registers_and_kinds_of_the_code():
    page = (Path(__file__).parent.parent / "docs" / "link.md").read_text()
    assert markdown() in page
    for kind in Kind:
        assert f"| {kind.value} | {kind.name.lower()} |" in page
