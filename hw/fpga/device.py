"""What an FPGA has room for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """An FPGA.

    :param family: ``ecp5`` or ``ice40``.
    :param size: its name for nextpnr.
    :param luts: four-input look-up tables.
    :param blocks: block RAMs.
    :param block_bits: bits of one.
    :param spram_bits: all single-port RAM together (iCE40 UltraPlus).
    """

    family: str
    size: str
    luts: int
    blocks: int
    block_bits: int
    spram_bits: int = 0
