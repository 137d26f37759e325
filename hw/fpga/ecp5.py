"""Lattice ECP5: yosys, nextpnr-ecp5 and Project Trellis."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Const, Instance, Signal

from hw.fpga.device import Device
from hw.fpga.family import Bits, BlockFormat, Dividers, Family, Indices, LogicCost

DETECTOR_HZ = 3.125e6
"""Lowest frequency of a PLL's phase detector (Lattice FPGA-DS-02012)."""

OSCILLATOR_HZ = (400e6, 800e6)
"""Range of a PLL's oscillator (Lattice FPGA-DS-02012)."""

OSCILLATOR_MIDDLE_HZ = 600e6

BLOCK_ENTRIES = 2048
"""Entries of ``ENTRY_BITS`` in a DP16KD, whatever the width of its words."""

ENTRY_BITS = 9

_UNUSED_INPUTS = (
    "RST",
    "STDBY",
    "PHASESEL0",
    "PHASESEL1",
    "PHASEDIR",
    "PHASESTEP",
    "PHASELOADREG",
    "PLLWAKESYNC",
    "ENCLKOP",
)


@dataclass(frozen=True)
class Ecp5Dividers(Dividers):
    """EHXPLLL with its own output as feedback: output = input / reference * feedback, oscillator =
    output * post.

    :param input_hz: of the board's oscillator.
    :param reference: divides it for the phase detector.
    :param feedback: divides the output for the phase detector.
    :param post: divides the PLL's oscillator for the output.
    """

    input_hz: float
    reference: int
    feedback: int
    post: int

    @property
    def output_hz(self) -> float:
        """Frequency that they make."""
        return self.input_hz / self.reference * self.feedback

    def instance(self, clk: Signal, output: Signal, locked: Signal) -> Instance:
        """Return the PLL's primitive with these settings."""
        parameters: dict[str, Any] = {
            "p_PLLRST_ENA": "DISABLED",
            "p_INTFB_WAKE": "DISABLED",
            "p_STDBY_ENABLE": "DISABLED",
            "p_DPHASE_SOURCE": "DISABLED",
            "p_OUTDIVIDER_MUXA": "DIVA",
            "p_CLKOP_ENABLE": "ENABLED",
            "p_CLKOP_DIV": self.post,
            "p_CLKOP_CPHASE": self.post // 2,
            "p_CLKOP_FPHASE": 0,
            "p_CLKI_DIV": self.reference,
            "p_CLKFB_DIV": self.feedback,
            "p_FEEDBK_PATH": "CLKOP",
            "a_FREQUENCY_PIN_CLKI": f"{self.input_hz / 1e6:g}",
            "a_FREQUENCY_PIN_CLKOP": f"{self.output_hz / 1e6:g}",
            "a_ICP_CURRENT": "12",
            "a_LPF_RESISTOR": "8",
        }
        parameters |= {f"i_{name}": Const(0) for name in _UNUSED_INPUTS}

        return Instance(
            "EHXPLLL", **parameters, i_CLKI=clk, i_CLKFB=output, o_CLKOP=output, o_LOCK=locked
        )


def _dividers(input_hz: float, at_pad: bool) -> list[Ecp5Dividers]:
    """Return all settings of a PLL; every one of its pins can be reached from any other."""
    found: list[Ecp5Dividers] = []
    low_hz, high_hz = OSCILLATOR_HZ

    for reference in range(1, int(input_hz / DETECTOR_HZ) + 1):
        for feedback in range(1, 81):
            output_hz = input_hz / reference * feedback
            # of the dividers that give this output, the one with the oscillator in mid-range
            post = round(OSCILLATOR_MIDDLE_HZ / output_hz)
            if 1 <= post <= 128 and low_hz <= output_hz * post <= high_hz:
                found.append(Ecp5Dividers(input_hz, reference, feedback, post))

    return found


def _read_block(text: str) -> Bits:
    """Return the bits of 2048 entries of 9, written as hexadecimal numbers, lowest bit first."""
    entries = np.array([int(entry, 16) for entry in text.split()], np.uint16)
    return (entries[:, np.newaxis] >> np.arange(ENTRY_BITS) & 1).astype(np.bool_).ravel()


def _write_block(bits: Bits) -> str:
    """Return the same text as nextpnr: eight entries a line."""
    entries = bits.reshape(-1, ENTRY_BITS) @ (1 << np.arange(ENTRY_BITS))
    lines = entries.reshape(-1, 8).tolist()
    return "".join(" ".join(f"{entry:03x}" for entry in line) + "\n" for line in lines)


def _bit_indices(width: int) -> Indices:
    """Return where a DP16KD of that width keeps its bits: words of less than 9 bits share the lower
    8 bits of an entry, wider ones take several entries.
    """
    if width >= ENTRY_BITS:
        return np.arange(BLOCK_ENTRIES * ENTRY_BITS).reshape(-1, width)

    per_entry = 8 // width
    row, column = np.mgrid[: BLOCK_ENTRIES * per_entry, :width]
    return row // per_entry * ENTRY_BITS + row % per_entry * width + column


ECP5 = Family(
    name="ecp5",
    synthesis="synth_ecp5",
    router="nextpnr-ecp5",
    routing=("--speed", "6", "--textcfg"),  # 6: the slowest grade, which every board has at least
    pin_file_kind="lpf",
    routed_file="top.config",
    packer="ecppack",
    packing=("--compress",),
    bitstream_file="top.bit",
    resources={
        "LUT": "TRELLIS_COMB",
        "FF": "TRELLIS_FF",
        "block RAM": "DP16KD",
        "DSP": "MULT18X18D",
    },
    block_cell="DP16KD",
    block_format=BlockFormat(
        re.compile(r"(?P<head>\.bram_init \d+\n)(?P<content>(?:[0-9a-f ]+\n)+)"),
        [_bit_indices(width) for width in (1, 2, 4, 9, 18, 36)],
        _read_block,
        _write_block,
    ),
    logic_cost=LogicCost(adder=0.86, multiplexer=0.52, condition=0.71, flip_flop=0.0, memory=0.0),
    lut_ram_cell="TRELLIS_DPR16X4",  # sixteen words of four bits
    lut_ram_luts=6,
    # nextpnr's own choice heaps logic up far from block RAM, too tight to route (784-600-10: 48
    # against 60 MHz)
    crowded_placer="static",
    dividers=_dividers,
)

ECP5_25F = Device(ECP5, "25k", luts=24288, blocks=56, block_bits=18 * 1024)
ECP5_45F = Device(ECP5, "45k", luts=43848, blocks=108, block_bits=18 * 1024)
ECP5_85F = Device(ECP5, "85k", luts=83640, blocks=208, block_bits=18 * 1024)
