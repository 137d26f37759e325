"""An SPI flash beside gateware that reads one, where there is no board: for simulators and the virtual board."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, connect, flipped

from hw.flash import COMMAND_BITS, FAST_READ, OFFSET, WAKE, FlashBus, image
from hw.pipeline import Parameters


class FlashChip(wiring.Component):
    """An SPI flash, asleep as an iCE40 leaves it; it knows two commands and drives ones when it has nothing to say.

    Its clock is that of the gateware, of which a bit takes two cycles.

    :param content: the bytes from ``OFFSET`` on.
    """

    bus: Any

    def __init__(self, content: bytes):
        self.content = content
        super().__init__({"bus": In(FlashBus())})

    def elaborate(self, platform: object) -> Module:
        """Build: what the command is, then byte after byte."""
        m = Module()
        m.submodules.cells = cells = memory.Memory(shape=8, depth=len(self.content), init=self.content)
        port, bus = cells.read_port(), self.bus
        before, awake = Signal(), Signal()
        count, bit = Signal(range(COMMAND_BITS + 1)), Signal(3)
        command, address = Signal(8), Signal(24)
        rise, fall, there = Signal(), Signal(), Signal()
        m.d.sync += before.eq(bus.sck)
        m.d.comb += [
            rise.eq(bus.sck & ~before),
            fall.eq(~bus.sck & before),
            there.eq((address >= OFFSET) & (address < OFFSET + len(self.content))),
            port.addr.eq(address - OFFSET),
            bus.cipo.eq(1),
        ]
        with m.If(bus.cs_n):
            m.d.sync += [count.eq(0), bit.eq(0)]
        with m.Elif(rise & (count < COMMAND_BITS)):
            m.d.sync += count.eq(count + 1)
            with m.If(count < 8):
                m.d.sync += command.eq(Cat(bus.copi, command))
            with m.Elif(count < 32):
                m.d.sync += address.eq(Cat(bus.copi, address))
        with m.Elif(rise & (bit == 0)):
            m.d.sync += address.eq(address + 1)
        with m.Elif(fall & (count == COMMAND_BITS)):
            m.d.sync += bit.eq(bit - 1)
        with m.If(bus.cs_n & (count == 8) & (command == WAKE)):
            m.d.sync += awake.eq(1)
        with m.If(awake & (command == FAST_READ) & (count == COMMAND_BITS) & there):
            m.d.comb += bus.cipo.eq(port.data.bit_select(bit, 1))
        return m


class WithFlash(wiring.Component):
    """A component that has ``flash``, and the chip there, in one: all its other ports."""

    def __init__(self, component: Any, content: bytes):
        self.component, self.content = component, content
        members = component.signature.members
        super().__init__({name: member for name, member in members.items() if name != "flash"})

    def elaborate(self, platform: object) -> Module:
        """Build: both, and wires."""
        m = Module()
        m.submodules.component = component = self.component
        m.submodules.chip = chip = FlashChip(self.content)
        connect(m, component.flash, chip.bus)
        for name, member in self.signature.members.items():
            outer, inner = getattr(self, name), getattr(component, name)
            if not member.is_port:
                connect(m, flipped(outer), inner)
            elif member.flow is In:
                m.d.comb += Value.cast(inner).eq(Value.cast(outer))
            else:
                m.d.comb += Value.cast(outer).eq(Value.cast(inner))
        return m


def complete(component: Any, parameters: Parameters) -> Any:
    """Return the component with the flash that it needs, filled with the weights, or as it is if it needs none."""
    if parameters.flash is None:
        return component
    return WithFlash(component, image(parameters.layers[parameters.flash].rows))
