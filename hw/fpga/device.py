"""What an FPGA has room for."""

from dataclasses import dataclass

from hw.fpga.family import Family


@dataclass(frozen=True)
class Device:
    """An FPGA.

    :param family: all that it shares with others of its kind.
    :param size: its name for nextpnr.
    :param luts: four-input look-up tables.
    :param blocks: block RAMs.
    :param block_bits: bits of one.
    :param spram_bits: all single-port RAM together (iCE40 UltraPlus).
    :param synthesis_options: of yosys' command for the family.
    """

    family: Family
    size: str
    luts: int
    blocks: int
    block_bits: int
    spram_bits: int = 0
    synthesis_options: str = ""

    @property
    def synthesis(self) -> str:
        """Yosys' command for this device."""
        return f"{self.family.synthesis} {self.synthesis_options}".rstrip()
