"""The pins of a board's SPI flash, named as in the pin files."""

from typing import Any

from amaranth.hdl import Const, Instance, IOPort, Module
from amaranth.lib import io, wiring
from amaranth.lib.wiring import Out

from hw.boards.table import Flash

DATA = ("flash_copi", "flash_cipo", "flash_wp_n", "flash_hold_n")
"""Data wires 0 to 3. Both sides drive all but one; a port of both directions is not listed among a
component's.
"""


def flash_pins(flash: Flash | None) -> dict[str, wiring.Member]:
    """Return the ports of the outermost module that only the FPGA drives: ``flash_cs_n``, ...; none
    without a flash.
    """
    if flash is None:
        return {}
    names = ("flash_cs_n", "flash_sck") if flash.clock_pin else ("flash_cs_n",)
    return {name: Out(1) for name in names}


def connect_pins(m: Module, bus: Any, pins: Any, flash: Flash) -> None:
    """Connect a :class:`hw.storage.flash.FlashBus` to the ports of :func:`flash_pins`, or to the
    primitive in their place, and to those of ``DATA`` that the board has.

    :param bus: of whoever reads the flash.
    :param pins: the component that has the ports.
    :param flash: how the board's is wired.
    """
    m.d.comb += pins.flash_cs_n.eq(bus.cs_n)
    if flash.clock_pin:
        m.d.comb += pins.flash_sck.eq(bus.sck)
    else:
        m.submodules.flash_clock = Instance("USRMCLK", i_USRMCLKI=bus.sck, i_USRMCLKTS=Const(0))

    for index, name in enumerate(DATA):
        # A wire that the board does not lead to the FPGA is pulled high there.
        if index >= flash.pins:
            m.d.comb += bus.i[index].eq(1)
            continue

        # The FPGA never drives CIPO, however many wires bring data.
        direction = io.Direction.Input if name == "flash_cipo" else io.Direction.Bidir
        port = io.SingleEndedPort(IOPort(1, name=name))
        m.submodules[f"{name}_pin"] = pin = io.Buffer(direction, port)
        m.d.comb += bus.i[index].eq(pin.i)
        if direction is io.Direction.Bidir:
            m.d.comb += [pin.o.eq(bus.o[index]), pin.oe.eq(bus.oe[index])]
