"""The digest of a network in block RAM, for bitstreams whose weights are exchanged, and the digest
with them.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import Out

from hw.rows import random_words

DEPTH = 512
"""Bytes of the memory: a whole block RAM, random but for the last ones, so that its bits are found
in a bitstream.
"""

DIGEST_BYTES = 4


def digest_memory(digest: int) -> list[int]:
    """Return the content of the memory: the digest is in its last bytes, lowest first."""
    return random_words(8, DEPTH - DIGEST_BYTES) + list(digest.to_bytes(DIGEST_BYTES, "little"))


class Digest(wiring.Component):
    """Reads the memory once after reset; ``value`` is the digest from ``DEPTH + 1`` cycles on."""

    value: Signal

    def __init__(self, digest: int):
        self.digest = digest
        super().__init__({"value": Out(8 * DIGEST_BYTES)})

    def elaborate(self, platform: object) -> Module:
        """Build: a counter that stops, and a shift register behind the memory."""
        m = Module()

        m.submodules.memory = cells = memory.Memory(
            shape=8, depth=DEPTH, init=digest_memory(self.digest), attrs={"ram_style": "block"}
        )
        port = cells.read_port()

        # Every byte passes through the register, and the last ones stay in it. The memory answers
        # one cycle after the address, so shifting lags behind counting by as much.
        address, counting, shifting = Signal(range(DEPTH)), Signal(init=1), Signal()
        m.d.comb += port.addr.eq(address)
        m.d.sync += shifting.eq(counting)
        with m.If(counting):
            m.d.sync += [address.eq(address + 1), counting.eq(address != DEPTH - 1)]

        with m.If(shifting):
            m.d.sync += self.value.eq(Cat(self.value[8:], port.data))
        return m
