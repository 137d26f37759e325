"""What a board says about itself: one table for gateware, host and documentation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sim.learning.supervised import Rule

IDENTITY = int.from_bytes(b"TTFS", "big")
"""Value of the first register: this is a board of this project."""

PROTOCOL = 2
"""Version of frames, registers and results; a host talks to its own version only."""


class Register(NamedTuple):
    """One readable register of 32 bits; its address is its index in :data:`REGISTERS`."""

    name: str
    meaning: str


REGISTERS = (
    Register("identity", f"{IDENTITY:#x}, the letters TTFS"),
    Register("protocol", f"version of the link, {PROTOCOL}"),
    Register(
        "digest",
        "of the network: the first 32 bits of its SHA-256; 0: the weights in flash are of another",
    ),
    Register("clock_hz", "frequency of the machine's clock, Hz"),
    Register("window", "requests that the board has room for at once"),
    Register("damaged", "frames that were damaged or found no room, modulo 65,536"),
    Register("dropped", "images that broke off, modulo 65,536"),
    Register(
        "lanes",
        "neurons of the widest layer that are updated in one cycle; how weights are arranged in "
        "words",
    ),
    Register(
        "to_load",
        "number of the layer whose words the host must load, the first is 1; 0: none; where "
        "several share a memory their first one, and from bit 8 on a bit for each of them",
    ),
    Register(
        "loaded", "words of that layer loaded since reset, from the first one up to the first gap"
    ),
    Register(
        "learns",
        "1: the board learns in place, by the rule in the next four; 0: it does not, and they "
        "are 0",
    ),
    Register("margin", "of the rule, ticks"),
    Register("reach", "of the rule"),
    Register("rivals", "of the rule"),
    Register("noise_bits", "of the rule"),
    Register("lessons", "lessons since reset or since the generator was set, modulo 65,536"),
    Register("generator", "state of the generator"),
)
"""All registers, in order of their addresses."""


def address(name: str) -> int:
    """Return the address of a register.

    :raises KeyError: there is none of that name.
    """
    for index, register in enumerate(REGISTERS):
        if register.name == name:
            return index
    raise KeyError(name)


def markdown() -> str:
    """Return the table for the documentation."""
    rows = [
        f"| {index} | `{register.name}` | {register.meaning} |"
        for index, register in enumerate(REGISTERS)
    ]
    return "\n".join(("| address | register | meaning |", "|---|---|---|", *rows))


def rule_registers(rule: Rule | None) -> dict[str, int]:
    """Return the registers that say whether a board learns, and how."""
    constants = (
        {"margin": 0, "reach": 0, "rivals": 0, "noise_bits": 0} if rule is None else asdict(rule)
    )
    return {"learns": int(rule is not None), **constants}


class RegisterFile(wiring.Component):
    """The registers, readable at any time.

    ``value`` and ``known`` follow ``address`` in the same cycle. ``damaged``, ``dropped``,
    ``loaded``, ``lessons`` are counted elsewhere, and ``generator`` is drawn from there.

    :param constants: value of every other register, by name: a number, or a signal that has it
        soon after reset.
    """

    address: Signal
    value: Signal
    known: Signal
    damaged: Signal
    dropped: Signal
    loaded: Signal
    lessons: Signal
    generator: Signal

    def __init__(self, constants: Mapping[str, int | Value]):
        self.constants = {"identity": IDENTITY, "protocol": PROTOCOL, **constants}
        # What counts has a port, of its own width.
        self.counted = {"damaged": 16, "dropped": 16, "loaded": 24, "lessons": 16, "generator": 32}
        counters = {name: In(bits) for name, bits in self.counted.items()}
        super().__init__({"address": In(8), "value": Out(32), "known": Out(1), **counters})

    def elaborate(self, platform: object) -> Module:
        """Build: a multiplexer over the table."""
        m = Module()
        # An address without a register is not known; its value means nothing.
        with m.Switch(self.address):
            for index, register in enumerate(REGISTERS):
                with m.Case(index):
                    m.d.comb += [self.known.eq(1), self.value.eq(self._content(register))]
        return m

    def _content(self, register: Register) -> Value:
        """Return what carries the value of a register."""
        if register.name in self.counted:
            return getattr(self, register.name)

        constant = self.constants[register.name]
        return Const(constant, 32) if isinstance(constant, int) else constant


def to_load(loaded: int | None, shared: Sequence[int]) -> int:
    """Return the value of the register ``to_load``.

    :param loaded: index of the layer whose words a host must load, or of the first of them.
    :param shared: indices of the layers that share a memory.
    """
    first = 0 if loaded is None else loaded + 1
    return first + sum(1 << 8 + layer for layer in shared)


def layers_to_load(value: int) -> list[int]:
    """Return the indices of the layers that a register ``to_load`` names."""
    shared = [layer for layer in range(24) if value >> 8 + layer & 1]
    return shared or ([value - 1] if value else [])
