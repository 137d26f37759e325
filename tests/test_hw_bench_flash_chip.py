"""The model of an SPI flash is as strict as a chip: what a reader gets wrong shows in what it
reads.
"""

import pytest
from amaranth.sim import Simulator

from hw.bench.flash_chip import FlashChip
from hw.storage.flash import COMMAND_BITS, OFFSET, QUAD_ENABLE, READ, STATUS_2, VOLATILE, WAKE

CONTENT = bytes((0x5A, 0xC3, 0x0F))
NOTHING = bytes((0xFF, 0xFF, 0xFF))
AWAKE = [(WAKE, 8)]
QUAD = [*AWAKE, (VOLATILE, 8), (STATUS_2 << 8 | QUAD_ENABLE, 16)]
SENDING, LISTENING, HELD = 0b1101, 0, 0b1100


def read(wires, first, *, clocks=COMMAND_BITS, oe=LISTENING, o=HELD):
    """Send ``first``, then read over so many wires; return the bytes that come.

    ``clocks``: of the reading command. ``oe``: what is driven while the data come; ``o``: what is
    on WP and HOLD.
    """
    chip, found = FlashChip(CONTENT), []

    async def clock(ctx, bit, driven):
        ctx.set(chip.bus.o, o | bit)
        ctx.set(chip.bus.oe, driven)
        await ctx.tick()
        ctx.set(chip.bus.sck, 1)
        level = ctx.get(chip.bus.i)
        await ctx.tick()
        ctx.set(chip.bus.sck, 0)
        return level

    async def testbench(ctx):
        for command, bits in [*first, ((READ[wires] << 24 | OFFSET) << (clocks - 32), clocks)]:
            ctx.set(chip.bus.cs_n, 1)
            await ctx.tick().repeat(2)
            ctx.set(chip.bus.cs_n, 0)
            for place in reversed(range(bits)):
                await clock(
                    ctx,
                    command >> place & 1,
                    SENDING if bits < clocks or place >= clocks - 32 else oe,
                )
        for _ in range(8 * len(CONTENT) // wires):
            level = await clock(ctx, 0, oe)
            found.append(level >> 1 & 1 if wires == 1 else level & ((1 << wires) - 1))

    simulator = Simulator(chip)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    number = int("".join(f"{level:0{wires}b}" for level in found), 2)
    return number.to_bytes(len(CONTENT), "big")


@pytest.mark.parametrize("wires", READ)
def test_the_highest_bits_of_a_byte_come_first_on_the_highest_wire(wires):
    assert read(wires, QUAD) == CONTENT


@pytest.mark.parametrize(
    ("wires", "first"),
    [
        (2, []),
        (4, AWAKE),
        (4, [*AWAKE, QUAD[2]]),  # not said to be volatile: nothing is written
        (4, [*AWAKE, QUAD[1], (0, 8), QUAD[2]]),
        (4, [*AWAKE, QUAD[1], (STATUS_2 << 7 | QUAD_ENABLE >> 1, 15)]),
        (4, [*QUAD[1:], *AWAKE]),
    ],
)
def test_it_answers_nothing_unless_awake_and_over_four_wires_only_if_told_to(wires, first):
    assert read(wires, first) == NOTHING


@pytest.mark.parametrize("wires", READ)
def test_a_clock_too_few_or_too_many_moves_every_bit(wires):
    assert read(wires, QUAD, clocks=COMMAND_BITS - 1) != CONTENT
    assert read(wires, QUAD, clocks=COMMAND_BITS + 1) != CONTENT


@pytest.mark.parametrize(
    ("wires", "oe"), [(1, 0b0010), (2, 0b0001), (2, 0b0010), (4, 0b0001), (4, 0b1000)]
)
def test_it_is_broken_once_both_have_driven_a_wire(wires, oe):
    found = read(wires, QUAD, oe=oe)
    listened = {1: 0b0010, 2: 0b0011, 4: 0b1111}[wires] & ~oe
    bits = f"{int.from_bytes(found, 'big'):024b}"
    symbols = [int(bits[place : place + wires], 2) for place in range(0, 24, wires)]
    mask = (listened >> 1) if wires == 1 else listened
    assert all(symbol & mask == mask for symbol in symbols[1:])


def test_hold_stops_it_until_it_is_a_wire_of_data():
    assert read(2, AWAKE, oe=HELD) == CONTENT
    assert read(2, AWAKE, oe=HELD, o=0b0100) != CONTENT
    assert read(2, QUAD, oe=HELD, o=0b1000) == CONTENT
