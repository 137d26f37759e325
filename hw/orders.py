"""What lanes are told in a cycle, and how it reaches many of them."""

from typing import NamedTuple, Self

from amaranth.hdl import Module, Signal, Value

REPLICA = {"replica": 1}
"""Attribute of a register that holds the same as others; :mod:`hw.toolchain` keeps yosys from merging them."""


class Orders(NamedTuple):
    """What a lane is told, see :class:`hw.neurons.Neurons`."""

    deliver: Value
    advance: Value
    clear: Value

    def repeat(self, m: Module, lanes: int, size: int) -> list[Self]:
        """Return what each of so many lanes is told a cycle later, by registers for each group of ``size`` lanes."""
        orders: list[Self] = []
        for first in range(0, lanes, size):
            group = [Signal(name=f"{name}_{first}", attrs=REPLICA) for name in self._fields]
            m.d.sync += [copy.eq(order) for copy, order in zip(group, self, strict=True)]
            orders += [type(self)(*group)] * min(size, lanes - first)
        return orders
