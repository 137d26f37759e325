"""Control signals of the lanes, broadcast to many of them through replicated registers."""

from typing import NamedTuple, Self

from amaranth.hdl import Module, Signal, Value

GROUP = 48
"""Maximum fan-out of a net in lanes. On ECP5 a net that drives the state of 600 lanes takes 16 ns,
and the search for the next spike among them 26 ns.
"""

ATTRIBUTE = "replica"
"""Attribute of a register that has the same content as others; :mod:`hw.flow.toolchain` keeps yosys
from merging them.
"""

REPLICA = {ATTRIBUTE: 1}


class Broadcast(NamedTuple):
    """The control signals of a lane in one cycle, see :class:`hw.machine.neurons.Neurons`."""

    deliver: Value
    advance: Value
    clear: Value

    def repeat(self, m: Module, lanes: int, size: int) -> list[Self]:
        """Return the control signals of each of ``lanes`` lanes, a cycle later: every group of
        ``size`` lanes has registers of its own.
        """
        copies: list[Self] = []
        for first in range(0, lanes, size):
            # The attribute keeps synthesis from merging registers of equal content.
            group = [Signal(name=f"{name}_{first}", attrs=REPLICA) for name in self._fields]
            m.d.sync += [copy.eq(signal) for copy, signal in zip(group, self, strict=True)]

            copies += [type(self)(*group)] * min(size, lanes - first)
        return copies
