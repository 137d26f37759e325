"""The boards we build for: one row each, and one pin file each in ``hw/boards/constraints/``."""

from dataclasses import dataclass, replace
from pathlib import Path

from hw.fpga.device import Device
from hw.fpga.ecp5 import ECP5_25F, ECP5_45F, ECP5_85F
from hw.fpga.ice40 import HX8K, UP5K
from sim.errors import InputError

CONSTRAINTS = Path(__file__).parent / "constraints"
"""The pin files, beside this table also where the package is installed."""


@dataclass(frozen=True)
class Flash:
    """A board's SPI flash, as far as it is wired to the FPGA.

    :param bytes: its size; where boards differ, the smallest.
    :param clock_pin: its clock is at a pin like any other; else at the one of ECP5's configuration
        (``USRMCLK``).
    :param pins: data wires that reach the FPGA: 2, or 4 with WP and HOLD.
    :param wires: how many of them data come over. With 4 the chip must be known to be one of
        Winbond's, or made like them, see :data:`hw.storage.flash.VOLATILE`; every chip has 2.
    """

    bytes: int
    clock_pin: bool
    pins: int
    wires: int


@dataclass(frozen=True)
class Board:
    """A board, or a bare device to measure on.

    :param name: on the command line.
    :param device: its FPGA.
    :param package: its name for nextpnr.
    :param oscillator_hz: frequency at pin ``clk``.
    :param clock_hz: the machine's, if the user does not choose; unlike the oscillator's, it comes
        from a PLL.
    :param pins: file in ``constraints/``; None: no board, pins are where they fall and no bitstream
        is made.
    :param pll_pad: the oscillator is at the PLL's own pin (iCE40), which then feeds nothing else.
    :param programmer: the board's name for openFPGALoader.
    :param flash: where weights may be stored; None: there is none, or its pins are not known.
    """

    name: str
    device: Device
    package: str
    oscillator_hz: int
    clock_hz: int
    pins: str | None = None
    pll_pad: bool = False
    programmer: str = ""
    flash: Flash | None = None

    @property
    def pin_file(self) -> Path | None:
        """Where the pins are listed."""
        return CONSTRAINTS / self.pins if self.pins else None


_W25Q128 = Flash(16 << 20, clock_pin=True, pins=4, wires=4)

_ULX3S_85F = Board(
    "ulx3s-85f",
    ECP5_85F,
    package="CABGA381",
    oscillator_hz=25_000_000,
    clock_hz=50_000_000,
    pins="ulx3s.lpf",
    programmer="ulx3s",
    # Winbond's on some of these boards, ISSI's on others
    flash=Flash(4 << 20, clock_pin=False, pins=4, wires=2),
)

_ICEPI_ZERO = Board(
    "icepi-zero",
    ECP5_25F,
    package="CABGA256",
    oscillator_hz=50_000_000,
    clock_hz=50_000_000,
    pins="icepi-zero.lpf",
    programmer="icepi-zero",
    flash=replace(_W25Q128, clock_pin=False),
)

_ICEBREAKER = Board(
    "icebreaker",
    UP5K,
    package="sg48",
    oscillator_hz=12_000_000,
    clock_hz=12_000_000,
    pins="icebreaker.pcf",
    pll_pad=True,
    programmer="ice40_generic",
    flash=_W25Q128,
)

_HX8K_BREAKOUT = Board(
    "hx8k-breakout",
    HX8K,
    package="ct256",
    oscillator_hz=12_000_000,
    clock_hz=24_000_000,
    pins="hx8k-breakout.pcf",
    programmer="ice40_generic",
    flash=Flash(4 << 20, clock_pin=True, pins=2, wires=2),
)

BOARDS = {
    board.name: board
    for board in (
        _ULX3S_85F,
        replace(_ULX3S_85F, name="ulx3s-45f", device=ECP5_45F),
        replace(_ULX3S_85F, name="ulx3s-25f", device=ECP5_25F),
        _ICEPI_ZERO,
        _ICEBREAKER,
        _HX8K_BREAKOUT,
        Board("none-ecp5-85f", ECP5_85F, "CABGA381", 50_000_000, 50_000_000),
        Board("none-ecp5-25f", ECP5_25F, "CABGA256", 50_000_000, 50_000_000),
        Board("none-up5k", UP5K, "sg48", 12_000_000, 12_000_000),
        Board("none-hx8k", HX8K, "ct256", 24_000_000, 24_000_000),
    )
}
"""All boards by name, in the order in which they are listed."""


def find_board(name: str) -> Board:
    """Return the board of that name.

    :raises InputError: there is none.
    """
    try:
        return BOARDS[name]
    except KeyError:
        raise InputError(f"board {name!r} is unknown; choose one of {', '.join(BOARDS)}.") from None
