"""What lanes are told in a cycle, and how it reaches many of them."""

from typing import NamedTuple, Self

from amaranth.hdl import Module, Signal, Value

GROUP = 48
"""So many lanes on one wire: on ECP5 one to the state of 600 takes 16 ns, to find the next spike
among them 26 ns.
"""

REPLICA = {"replica": 1}
"""Attribute of a register that holds the same as others; :mod:`hw.flow.toolchain` keeps yosys from
merging them.
"""


class Orders(NamedTuple):
    """What a lane is told, see :class:`hw.machine.neurons.Neurons`."""

    deliver: Value
    advance: Value
    clear: Value

    def repeat(self, m: Module, lanes: int, size: int) -> list[Self]:
        """Return what each of so many lanes is told a cycle later, by registers for each group of
        ``size`` lanes.
        """
        orders: list[Self] = []
        for first in range(0, lanes, size):
            group = [Signal(name=f"{name}_{first}", attrs=REPLICA) for name in self._fields]
            m.d.sync += [copy.eq(order) for copy, order in zip(group, self, strict=True)]
            orders += [type(self)(*group)] * min(size, lanes - first)
        return orders
