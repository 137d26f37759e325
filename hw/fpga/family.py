"""What is peculiar to a family of FPGAs and to its tools: data and a few functions, one object for
each family (:mod:`hw.fpga.ecp5`, :mod:`hw.fpga.ice40`).

Nothing else in ``hw`` asks for a family's name; whoever needs to know how one differs from another
finds it here.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Instance, Signal

# the bits of one block RAM, flat
Bits = npt.NDArray[np.bool_]

# (rows, columns): for each word of a memory and each bit of it, its index into Bits
Indices = npt.NDArray[np.intp]


class Dividers(ABC):
    """Settings of a PLL."""

    @property
    @abstractmethod
    def output_hz(self) -> float:
        """Frequency that they make."""

    @abstractmethod
    def instance(self, clk: Signal, output: Signal, locked: Signal) -> Instance:
        """Return the PLL's primitive with these settings."""


@dataclass(frozen=True, eq=False)
class BlockFormat:
    """How nextpnr's text of a routed design states the content of a block RAM.

    :param pattern: finds one block RAM, as the groups ``head`` and ``content``.
    :param widths: where the bits of a word are, for each width that a block RAM may have.
    :param read: from ``content`` to bits.
    :param write: back.
    """

    pattern: re.Pattern[str]
    widths: Sequence[Indices]
    read: Callable[[str], Bits]
    write: Callable[[Bits], str]


@dataclass(frozen=True)
class LogicCost:
    """Logic cells, or look-up tables where those are what is counted, that a bit takes before
    technology mapping; fitted to what the packer counted of many designs, see
    :mod:`hw.flow.estimate` and ``benchmarks/estimate.py``.

    :param adder: for each bit of an adder.
    :param multiplexer: for each bit of each word but one that is chosen from.
    :param condition: for each bit that is compared or reduced.
    :param flip_flop: for each bit of a register: those that no look-up table feeds alone take a
        cell of their own.
    :param memory: for each bit of a memory made of flip-flops: they are written by all alike, so
        each takes a cell, and those who read them choose one of many.
    """

    adder: float
    multiplexer: float
    condition: float
    flip_flop: float
    memory: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Family:
    """A family of FPGAs, and its tools.

    :param name: in reports.
    :param synthesis: yosys' command; each device may add options, see
        :class:`hw.fpga.device.Device`.
    :param router: the program that places and routes.
    :param routing: its options for every device; the name of the routed file follows them.
    :param pin_file_kind: its option for a pin file, and the ending of such files.
    :param routed_file: the name of the routed design's file.
    :param packer: the program that makes the bitstream.
    :param packing: its options, before the names of the routed file and of the bitstream.
    :param bitstream_file: the name of the bitstream's file.
    :param resources: our names of what the router counts, to its own names.
    :param block_cell: a block RAM in yosys' netlist.
    :param block_format: a block RAM in the routed design.
    :param logic_cost: what logic takes.
    :param spram_cell: a single-port RAM in yosys' netlist; empty: there is none.
    :param lut_ram_cell: a small memory made of look-up tables, in yosys' netlist; empty: look-up
        tables make no memory.
    :param lut_ram_luts: look-up tables that one takes.
    :param small_memories_in_logic: whether memories of few words go to flip-flops, because there is
        nothing between those and a block RAM, of which there are few.
    :param crowded_placer: the router's placer for devices whose block RAM is mostly taken; None:
        its own choice.
    :param dividers: all settings of a PLL for the oscillator's frequency and for whether the
        oscillator is connected to the PLL's own pin.
    """

    name: str
    synthesis: str
    router: str
    routing: tuple[str, ...]
    pin_file_kind: str
    routed_file: str
    packer: str
    packing: tuple[str, ...]
    bitstream_file: str
    resources: Mapping[str, str]
    block_cell: str
    block_format: BlockFormat
    logic_cost: LogicCost
    spram_cell: str = ""
    lut_ram_cell: str = ""
    lut_ram_luts: int = 0
    small_memories_in_logic: bool = False
    crowded_placer: str | None = None
    dividers: Callable[[float, bool], Sequence[Dividers]]
