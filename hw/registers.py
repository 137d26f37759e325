"""What a board says about itself: one table, from which gateware, host and documentation come."""

from typing import NamedTuple

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

IDENTITY = int.from_bytes(b"TTFS", "big")
"""Value of the first register: this is a board of this project."""

PROTOCOL = 1
"""Version of frames, registers and results; a host talks to its own version only."""


class Register(NamedTuple):
    """One readable register of 32 bits; its address is its place in :data:`REGISTERS`."""

    name: str
    meaning: str


REGISTERS = (
    Register("identity", f"{IDENTITY:#x}, the letters TTFS"),
    Register("protocol", f"version of the link, {PROTOCOL}"),
    Register("digest", "of the network: the first 32 bits of its SHA-256"),
    Register("clock_hz", "frequency of the machine's clock, Hz"),
    Register("window", "requests that the board has room for at once"),
    Register("damaged", "frames that were damaged or found no room, modulo 65,536"),
    Register("dropped", "images that broke off, modulo 65,536"),
)


def address(name: str) -> int:
    """Return the address of a register.

    :raises KeyError: there is none of that name.
    """
    for place, register in enumerate(REGISTERS):
        if register.name == name:
            return place
    raise KeyError(name)


def markdown() -> str:
    """Return the table for the documentation."""
    rows = [f"| {place} | `{register.name}` | {register.meaning} |" for place, register in enumerate(REGISTERS)]
    return "\n".join(("| address | register | meaning |", "|---|---|---|", *rows))


class RegisterFile(wiring.Component):
    """The registers, readable at any time.

    ``value`` and ``known`` follow ``address`` in the same cycle. ``damaged`` and ``dropped`` are counted elsewhere.

    :param constants: value of every other register, by name.
    """

    address: Signal
    value: Signal
    known: Signal
    damaged: Signal
    dropped: Signal

    def __init__(self, constants: dict[str, int]):
        self.constants = {"identity": IDENTITY, "protocol": PROTOCOL, **constants}
        super().__init__({"address": In(8), "value": Out(32), "known": Out(1), "damaged": In(16), "dropped": In(16)})

    def elaborate(self, platform: object) -> Module:
        """Build: a multiplexer over the table."""
        m = Module()
        with m.Switch(self.address):
            for place, register in enumerate(REGISTERS):
                with m.Case(place):
                    m.d.comb += [self.known.eq(1), self.value.eq(self._content(register))]
        return m

    def _content(self, register: Register) -> Value:
        counters = {"damaged": self.damaged, "dropped": self.dropped}
        if register.name in counters:
            return counters[register.name]
        return Const(self.constants[register.name], 32)
