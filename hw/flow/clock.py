"""The clock of the machine from the board's oscillator: which dividers, and the PLL that has them."""

from dataclasses import dataclass
from typing import Any, Protocol

from amaranth.hdl import Const, Instance, Signal

from hw.boards.table import Board
from sim.errors import InputError


class Dividers(Protocol):
    """Settings of a PLL."""

    @property
    def output_hz(self) -> float:
        """Frequency it makes."""
        ...

    def instance(self, clk: Signal, output: Signal, locked: Signal) -> Instance:
        """Return the primitive."""
        ...


@dataclass(frozen=True)
class Ecp5Dividers:
    """EHXPLLL with its own output as feedback: output = input / reference * feedback, oscillator =
    output * post.

    Ranges: phase detector 3.125-400 MHz, oscillator 400-800 MHz (Lattice FPGA-DS-02012).
    """

    input_hz: float
    reference: int
    feedback: int
    post: int

    @property
    def output_hz(self) -> float:
        """Frequency it makes."""
        return self.input_hz / self.reference * self.feedback

    def instance(self, clk: Signal, output: Signal, locked: Signal) -> Instance:
        """Return the primitive."""
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
        unused = (
            "RST",
            "STDBY",
            "PHASESEL0",
            "PHASESEL1",
            "PHASEDIR",
            "PHASESTEP",
            "PHASELOADREG",
            "PLLWAKESYNC",
        )
        parameters |= {f"i_{name}": Const(0) for name in (*unused, "ENCLKOP")}
        return Instance(
            "EHXPLLL", **parameters, i_CLKI=clk, i_CLKFB=output, o_CLKOP=output, o_LOCK=locked
        )


@dataclass(frozen=True)
class Ice40Dividers:
    """SB_PLL40 with simple feedback: output = input / (r + 1) * (f + 1) / 2^q.

    Ranges: phase detector 10-133 MHz, oscillator 533-1066 MHz, output from 16 MHz (Lattice
    FPGA-TN-02052).
    """

    input_hz: float
    r: int
    f: int
    q: int
    pad: bool

    @property
    def output_hz(self) -> float:
        """Frequency it makes."""
        return self.input_hz / (self.r + 1) * (self.f + 1) / (1 << self.q)

    def instance(self, clk: Signal, output: Signal, locked: Signal) -> Instance:
        """Return the primitive."""
        detector_mhz = self.input_hz / (self.r + 1) / 1e6
        filter_range = 1 + sum(detector_mhz >= limit for limit in (17, 26, 44, 66, 101))
        kind, pin = (
            ("SB_PLL40_PAD", "PACKAGEPIN") if self.pad else ("SB_PLL40_CORE", "REFERENCECLK")
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


def _ecp5(input_hz: float) -> list[Ecp5Dividers]:
    found: list[Ecp5Dividers] = []
    for reference in range(1, int(input_hz / 3.125e6) + 1):
        for feedback in range(1, 81):
            output_hz = input_hz / reference * feedback
            post = round(600e6 / output_hz)
            if 1 <= post <= 128 and 400e6 <= output_hz * post <= 800e6:
                found.append(Ecp5Dividers(input_hz, reference, feedback, post))
    return found


def _ice40(input_hz: float, pad: bool) -> list[Ice40Dividers]:
    return [
        Ice40Dividers(input_hz, r, f, q, pad)
        for r in range(16)
        if 10e6 <= input_hz / (r + 1) <= 133e6
        for f in range(128)
        if 533e6 <= input_hz / (r + 1) * (f + 1) <= 1066e6
        for q in range(1, 7)
        if input_hz / (r + 1) * (f + 1) / (1 << q) >= 16e6
    ]


def choose_dividers(board: Board, at_most_hz: float) -> Dividers | None:
    """Return the PLL settings whose output is highest and at most ``at_most_hz``; None: the
    oscillator is as good.

    :raises InputError: it cannot be made so slow.
    """
    if board.pins is None or at_most_hz == board.oscillator_hz:
        return None
    settings = (
        _ecp5(board.oscillator_hz)
        if board.device.family == "ecp5"
        else _ice40(board.oscillator_hz, board.pll_pad)
    )
    slow_enough = [setting for setting in settings if setting.output_hz <= at_most_hz * (1 + 1e-9)]
    if not slow_enough:
        least = min(setting.output_hz for setting in settings) / 1e6
        raise InputError(
            f"clock: {board.name} cannot run at {at_most_hz / 1e6:g} MHz; it makes {least:.4g} MHz or more."
        )
    best = max(setting.output_hz for setting in slow_enough)
    return next(setting for setting in slow_enough if setting.output_hz == best)
