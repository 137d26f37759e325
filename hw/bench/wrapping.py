"""Components around components, which have ports of the inner one themselves."""

from collections.abc import Collection
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib.wiring import In, connect, flipped


def forward(m: Module, outer: Any, inner: Any, ignored: Collection[str] = ()) -> None:
    """Connect every port of ``outer`` with the port of the same name of ``inner``.

    :param ignored: names of ports that are connected in another way.
    """
    for name, member in outer.signature.members.items():
        if name in ignored:
            continue
        outside, inside = getattr(outer, name), getattr(inner, name)
        if not member.is_port:
            connect(m, flipped(outside), inside)
        elif member.flow is In:
            m.d.comb += Value.cast(inside).eq(Value.cast(outside))
        else:
            m.d.comb += Value.cast(outside).eq(Value.cast(inside))
