"""The clock of the machine from the board's oscillator: which settings of the PLL."""

from hw.boards.table import Board
from hw.fpga.family import Dividers
from sim.errors import InputError

TOLERANCE = 1e-9
"""Relative; what floating-point division may add to a frequency that is exactly the wanted one."""


def choose_dividers(board: Board, at_most_hz: float) -> Dividers | None:
    """Return the PLL settings whose output is highest and at most ``at_most_hz``; None: the
    oscillator is as good.

    :raises InputError: it cannot be made so slow.
    """
    if board.pins is None or at_most_hz == board.oscillator_hz:
        return None

    settings = board.device.family.dividers(board.oscillator_hz, board.pll_pad)
    slow_enough = [each for each in settings if each.output_hz <= at_most_hz * (1 + TOLERANCE)]
    if not slow_enough:
        least = min(each.output_hz for each in settings) / 1e6
        raise InputError(
            f"clock: {board.name} cannot run at {at_most_hz / 1e6:g} MHz; "
            f"it makes {least:.4g} MHz or more."
        )

    best = max(each.output_hz for each in slow_enough)
    return next(each for each in slow_enough if each.output_hz == best)
