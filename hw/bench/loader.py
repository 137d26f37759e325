"""A host beside gateware that waits for weights, where there is no board: for simulators."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring

from hw.bench.wrapping import forward
from hw.rows import Rows


class WithLoader(wiring.Component):
    """A component with ``host``, and what loads the words of a layer after reset, in one: all its
    other ports. It takes no beat before the last word is there; a word takes a cycle.

    :param component: whose ``host`` is a :class:`hw.machine.host.HostPort`.
    :param rows: of the layer.
    :param layer: its index.
    """

    i: Any

    def __init__(self, component: Any, rows: Rows, layer: int):
        self.component, self.rows, self.layer = component, rows, layer
        members = component.signature.members
        super().__init__({name: member for name, member in members.items() if name != "host"})

    def elaborate(self, platform: object) -> Module:
        """Build: the component, its words one after the other, and a gate before its input."""
        m = Module()

        m.submodules.component = component = self.component
        content = self.rows.pack()
        m.submodules.content = cells = memory.Memory(
            shape=self.rows.word.size, depth=len(content), init=content
        )
        reader = cells.read_port()
        words = getattr(component.host.words, f"layer_{self.layer}")

        # the memory answers a cycle after it was asked: the word of the address before is written
        address, asked = Signal(range(len(content) + 1)), Signal()
        loading, loaded = Signal(), Signal()
        m.d.comb += [
            loading.eq(address != len(content)),
            reader.addr.eq(address),
            words.data.eq(reader.data),
            words.address.eq(address - 1),
            words.write.eq(asked),
        ]
        m.d.sync += [asked.eq(loading), loaded.eq(~loading & ~asked)]
        with m.If(loading):
            m.d.sync += address.eq(address + 1)

        forward(m, self, component, ignored=("i",))
        m.d.comb += [
            component.i.payload.eq(self.i.payload),
            component.i.valid.eq(self.i.valid & loaded),
            self.i.ready.eq(component.i.ready & loaded),
        ]
        return m
