"""An SPI flash beside gateware that reads one, where there is no board: for simulators and the
virtual board.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, connect

from hw.bench.wrapping import forward
from hw.parameters import MachineParameters
from hw.storage.flash import (
    COMMAND_BITS,
    DUMMY_BITS,
    OFFSET,
    QUAD_ENABLE,
    READ,
    STATUS_2,
    VOLATILE,
    WAKE,
    FlashBus,
    image,
)


class FlashChip(wiring.Component):
    """An SPI flash, asleep as an iCE40 leaves it, and with its quad enable bit not set.

    It knows what :mod:`hw.storage.flash` sends, reads over one wire, two and four, and is as strict
    as data sheets are: what comes in another order or with bits too few or too many is ignored, and
    so is a clock while HOLD is low and no wire of data. Wires that nobody drives are high; once
    both sides have driven one, the chip never answers again.

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

        m.submodules.cells = cells = memory.Memory(
            shape=8, depth=len(self.content), init=self.content
        )
        port, bus = cells.read_port(), self.bus

        # What outlasts a command: the chip is awake, the next status write is volatile, four wires
        # are enabled, and two sides have driven one wire.
        awake, volatile, quad, broken = Signal(), Signal(), Signal(), Signal()

        # The command: how many of its bits have come, which bit of a byte goes out next, and
        # whether data go out at all.
        count, bit, answers = Signal(range(COMMAND_BITS + 1)), Signal(3), Signal()
        command, address = Signal(8), Signal(24)

        # Data: the wires that the chip drives, the bits on them, and how many come at once.
        drives, data, wires = Signal(4), Signal(4), Signal(3)

        sck_before, rise, fall, there = Signal(), Signal(), Signal(), Signal()
        m.d.sync += sck_before.eq(bus.sck)
        m.d.comb += [
            rise.eq(bus.sck & ~sck_before & (quad | bus.i[3])),  # not while HOLD is low
            fall.eq(~bus.sck & sck_before),
            there.eq((address >= OFFSET) & (address < OFFSET + len(self.content))),
            port.addr.eq(address - OFFSET),
            bus.i.eq((bus.o & bus.oe) | (data & drives & ~bus.oe) | ~(bus.oe | drives)),
        ]

        # Bits are sampled at the rising edge, and go out after the falling one.
        with m.If(bus.cs_n):
            m.d.sync += [count.eq(0), bit.eq(0), answers.eq(0)]
        with m.Elif(rise & (count < COMMAND_BITS)):
            m.d.sync += count.eq(count + 1)
            with m.If(count < 8):
                m.d.sync += command.eq(Cat(bus.i[0], command))
            with m.Elif(count < COMMAND_BITS - DUMMY_BITS):
                m.d.sync += address.eq(Cat(bus.i[0], address))
        with m.Elif(rise & (bit == 0)):
            m.d.sync += address.eq(address + 1)
        with m.Elif(fall & (count == COMMAND_BITS)):
            m.d.sync += [bit.eq(bit - wires), answers.eq(1)]

        # A command without data takes effect when the chip is deselected, if it has its length.
        with m.If(bus.cs_n & (count != 0)):
            m.d.sync += volatile.eq(awake & (command == VOLATILE) & (count == 8))
            with m.If((command == WAKE) & (count == 8)):
                m.d.sync += awake.eq(1)
            with m.If(volatile & (command == STATUS_2) & (count == 16)):
                m.d.sync += quad.eq(address[:8] == QUAD_ENABLE)
        with m.If((bus.oe & drives).any()):
            m.d.sync += broken.eq(1)

        self._answer(m, command, awake & answers & ~broken, quad, wires, drives)
        m.d.comb += data.eq(Mux(there, port.data.bit_select(bit, 4), 0b1111))
        with m.If(wires == 1):
            m.d.comb += data[1].eq(Mux(there, port.data.bit_select(bit, 1), 1))
        return m

    def _answer(
        self, m: Module, command: Value, answers: Value, quad: Value, wires: Value, drives: Value
    ) -> None:
        """Say how many bits come at once, and on which wires.

        :param command: the byte that came.
        :param answers: data go out.
        :param quad: all four wires may be driven.
        :param wires: set to the number of bits.
        :param drives: set to the wires.
        """
        driven = {1: 0b0010, 2: 0b0011, 4: 0b1111}
        with m.Switch(command):
            for number, code in READ.items():
                with m.Case(code):
                    m.d.comb += wires.eq(number)
                    with m.If(answers & (quad if number == 4 else 1)):
                        m.d.comb += drives.eq(driven[number])


class WithFlash(wiring.Component):
    """A component with ``flash`` and the chip that it reads, in one: all its other ports.

    :param component: whose ``flash`` is a :class:`hw.storage.flash.FlashPort`.
    :param content: of the chip.
    """

    def __init__(self, component: Any, content: bytes):
        self.component, self.content = component, content
        members = component.signature.members
        super().__init__({name: member for name, member in members.items() if name != "flash"})

    def elaborate(self, platform: object) -> Module:
        """Build: both, and wires."""
        m = Module()
        m.submodules.component = component = self.component
        m.submodules.chip = chip = FlashChip(self.content)
        connect(m, component.flash.bus, chip.bus)
        forward(m, self, component)
        return m


def complete(component: Any, parameters: MachineParameters) -> Any:
    """Return the component with the flash that it needs, filled with the weights, or unchanged if
    it needs none.
    """
    layer = parameters.flash_layer
    if layer is None:
        return component
    content = image(parameters.layers[layer].rows, parameters.network.digest)
    return WithFlash(component, content)
