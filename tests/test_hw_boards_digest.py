"""The digest of a network in block RAM."""

from hw.boards.digest import DEPTH, Digest
from testbenches import simulate


def test_digest_is_read_from_its_memory():
    dut = Digest(0x12345678)

    async def testbench(ctx):
        await ctx.tick().repeat(DEPTH + 1)
        for _ in range(3):  # and stays
            assert ctx.get(dut.value) == 0x12345678
            await ctx.tick().repeat(DEPTH)

    simulate(dut, testbench)
