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
        place, read, more = Signal(range(DEPTH)), Signal(), Signal(init=1)
        m.d.comb += port.addr.eq(place)
        m.d.sync += read.eq(more)
        with m.If(more):
            m.d.sync += [place.eq(place + 1), more.eq(place != DEPTH - 1)]
        with m.If(read):
            m.d.sync += self.value.eq(Cat(self.value[8:], port.data))
        return m
