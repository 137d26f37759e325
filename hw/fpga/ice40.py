"""Lattice iCE40: yosys, nextpnr-ice40 and Project IceStorm."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Const, Instance, Signal

from hw.fpga.device import Device
from hw.fpga.family import Bits, BlockFormat, Dividers, Family, Indices, LogicCost

DETECTOR_HZ = (10e6, 133e6)
"""Range of a PLL's phase detector (Lattice FPGA-TN-02052)."""

OSCILLATOR_HZ = (533e6, 1066e6)
"""Range of a PLL's oscillator."""

OUTPUT_HZ = 16e6
"""Lowest frequency of a PLL's output."""

FILTER_LIMITS_MHZ = (17, 26, 44, 66, 101)
"""Frequencies of the phase detector from which the next setting of the loop filter is right."""

BLOCK_BITS = 4096
"""In an SB_RAM40_4K."""

COLUMN_BITS = 16
"""Bits in a row of an SB_RAM40_4K, whatever the width of its words."""


@dataclass(frozen=True)
class Ice40Dividers(Dividers):
    """SB_PLL40 with simple feedback: output = input / (r + 1) * (f + 1) / 2^q.

    :param input_hz: of the board's oscillator.
    :param r: ``DIVR``, for the phase detector.
    :param f: ``DIVF``, for the feedback.
    :param q: ``DIVQ``, for the output.
    :param at_pad: whether the oscillator is connected to the PLL's own pin, and to nothing else.
    """

    input_hz: float
    r: int
    f: int
    q: int
    at_pad: bool

    @property
    def output_hz(self) -> float:
        """Frequency that they make."""
        return self.input_hz / (self.r + 1) * (self.f + 1) / (1 << self.q)

    def instance(self, clk: Signal, output: Signal, locked: Signal) -> Instance:
        """Return the PLL's primitive with these settings."""
        detector_mhz = self.input_hz / (self.r + 1) / 1e6
        filter_range = 1 + sum(detector_mhz >= limit for limit in FILTER_LIMITS_MHZ)
        kind, pin = (
            ("SB_PLL40_PAD", "PACKAGEPIN") if self.at_pad else ("SB_PLL40_CORE", "REFERENCECLK")
        )

        ports: dict[str, Any] = {
            "p_FEEDBACK_PATH": "SIMPLE",
            "p_DIVR": Const(self.r, 4),
            "p_DIVF": Const(self.f, 7),
            "p_DIVQ": Const(self.q, 3),
            "p_FILTER_RANGE": Const(filter_range, 3),
            "i_RESETB": Const(1),
            "i_BYPASS": Const(0),
            f"i_{pin}": clk,
            "o_LOCK": locked,
            "o_PLLOUTGLOBAL": output,
        }
        return Instance(kind, **ports)


def _dividers(input_hz: float, at_pad: bool) -> list[Ice40Dividers]:
    """Return all settings of a PLL."""
    found: list[Ice40Dividers] = []

    for r in range(16):
        detector_hz = input_hz / (r + 1)
        if not DETECTOR_HZ[0] <= detector_hz <= DETECTOR_HZ[1]:
            continue

        for f in range(128):
            oscillator_hz = detector_hz * (f + 1)
            if OSCILLATOR_HZ[0] <= oscillator_hz <= OSCILLATOR_HZ[1]:
                settings = [Ice40Dividers(input_hz, r, f, q, at_pad) for q in range(1, 7)]
                found += [each for each in settings if each.output_hz >= OUTPUT_HZ]

    return found


def _read_block(text: str) -> Bits:
    """Return the bits of 16 lines of 256, highest first; bit b of row r is bit 16 r + b."""
    raw = b"".join(int(line, 16).to_bytes(32, "little") for line in text.split())
    return np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little").astype(np.bool_)


def _write_block(bits: Bits) -> str:
    """Return the same text as nextpnr."""
    lines = np.packbits(bits, bitorder="little").reshape(16, 32)
    return "".join(f"{int.from_bytes(line.tobytes(), 'little'):064x}\n" for line in lines)


def _bit_indices(width: int) -> Indices:
    """Return where an SB_RAM40_4K of that width keeps its bits: words follow each other, and yosys
    reverses the 4 bits of a column's number.
    """
    row, column = np.divmod(np.arange(BLOCK_BITS).reshape(-1, width), COLUMN_BITS)
    reverse = np.array([int(f"{number:04b}"[::-1], 2) for number in range(COLUMN_BITS)])
    return row * COLUMN_BITS + reverse[column]


ICE40 = Family(
    name="ice40",
    synthesis="synth_ice40",
    router="nextpnr-ice40",
    routing=("--asc",),
    pin_file_kind="pcf",
    routed_file="top.asc",
    packer="icepack",
    packing=(),
    bitstream_file="top.bin",
    resources={
        "LC": "ICESTORM_LC",  # a logic cell is a look-up table, a flip-flop, or both
        "block RAM": "ICESTORM_RAM",
        "SPRAM": "ICESTORM_SPRAM",
        "DSP": "ICESTORM_DSP",
    },
    block_cell="SB_RAM40_4K",
    block_format=BlockFormat(
        re.compile(r"(?P<head>\.ram_data [^\n]*\n)(?P<content>(?:[0-9a-f]{64}\n){16})"),
        [_bit_indices(width) for width in (2, 4, 8, 16)],
        _read_block,
        _write_block,
    ),
    logic_cost=LogicCost(
        adder=0.0, multiplexer=0.173, condition=0.922, flip_flop=0.988, memory=1.479
    ),
    spram_cell="SB_SPRAM256KA",
    small_memories_in_logic=True,
    dividers=_dividers,
)

UP5K = Device(
    ICE40,
    "up5k",
    luts=5280,
    blocks=30,
    block_bits=BLOCK_BITS,
    spram_bits=1 << 20,
    synthesis_options="-device u",
)
HX8K = Device(
    ICE40, "hx8k", luts=7680, blocks=32, block_bits=BLOCK_BITS, synthesis_options="-device hx"
)
