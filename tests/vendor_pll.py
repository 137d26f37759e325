"""PLLs: what a vendor tool's own dividers make, beside ours."""

import re
import subprocess

from hw.boards.table import find_board
from hw.flow.clock import choose_dividers
from hw.tools import find_tool


def check_pll(name: str, wanted_mhz: int, tool: str, pattern: str) -> None:
    """Our frequency for a board is not above the wanted one, and not below the tool's if that is
    not above it either.

    :param pattern: finds the MHz in what the tool prints.
    """
    board = find_board(name)
    ours_hz = choose_dividers(board, wanted_mhz * 1e6).output_hz
    oscillator = f"{board.oscillator_hz / 1e6:g}"
    command = [find_tool(tool), "-i", oscillator, "-o", str(wanted_mhz)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs_hz = float(re.search(pattern, text).group(1)) * 1e6

    assert ours_hz <= wanted_mhz * 1e6 * (1 + 1e-9)
    if theirs_hz <= wanted_mhz * 1e6:
        assert ours_hz >= theirs_hz * (1 - 1e-6)
