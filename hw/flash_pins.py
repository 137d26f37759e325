"""The pins of a board's SPI flash, named as in the pin files."""

from typing import Any

from amaranth.hdl import Const, Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.boards import Flash


def flash_pins(flash: Flash | None) -> dict[str, wiring.Member]:
    """Return the ports of the outermost module: ``flash_cs_n``, ...; none without a flash."""
    if flash is None:
        return {}
    pins: dict[str, wiring.Member] = {"flash_cs_n": Out(1), "flash_copi": Out(1), "flash_cipo": In(1)}
    if flash.clock_pin:
        pins["flash_sck"] = Out(1)
    if flash.held:
        pins |= {"flash_wp_n": Out(1), "flash_hold_n": Out(1)}
    return pins


def connect_pins(m: Module, bus: Any, pins: Any, flash: Flash) -> None:
    """Connect a :class:`hw.flash.FlashBus` to the ports of :func:`flash_pins`, or to the primitive in their place."""
    m.d.comb += [pins.flash_cs_n.eq(bus.cs_n), pins.flash_copi.eq(bus.copi), bus.cipo.eq(pins.flash_cipo)]
    if flash.clock_pin:
        m.d.comb += pins.flash_sck.eq(bus.sck)
    else:
        m.submodules.flash_clock = Instance("USRMCLK", i_USRMCLKI=bus.sck, i_USRMCLKTS=Const(0))
    if flash.held:
        m.d.comb += [pins.flash_wp_n.eq(1), pins.flash_hold_n.eq(1)]
