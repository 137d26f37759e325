"""A board without a board: its whole gateware as a compiled model, behind a pseudo-terminal."""

import ctypes
import os
import select
from collections.abc import Callable
from pathlib import Path

from hw.bench.flash_chip import complete
from hw.bench.verilated import compile_model
from hw.boards.top import BoardParameters, Top
from hw.link.uart import BITS, LEAST_DIVISOR, bit_cycles
from hw.parameters import MachineParameters
from sim.errors import InputError

DRIVER = Path(__file__).with_name("serve.cpp")

CLOCK_HZ = 50_000_000
"""The clock that the virtual board reports; its bit rate is the highest that this clock makes."""

SLICE_CYCLES = 20_000
"""Cycles between two looks at the terminal."""

QUIET_CYCLES = 2_000_000
"""Cycles without a byte either way after which the board is taken to be idle."""

IDLE_S = 0.02
"""Time between two slices of an idle board."""


class VirtualBoard:
    """The gateware of a board, serial line included, as a compiled model that runs when asked to.

    :param pipeline: what the board runs.
    :raises InputError: verilator or a C++ compiler is missing, or fails.
    """

    def __init__(self, pipeline: MachineParameters):
        parameters = BoardParameters(pipeline, CLOCK_HZ, CLOCK_HZ // LEAST_DIVISOR)
        model = compile_model(complete(Top(parameters), pipeline), [], DRIVER)
        self._library = ctypes.CDLL(str(model))
        self._library.open_board.restype = ctypes.c_void_p
        self._library.run_board.restype = ctypes.c_int64

        # The line is as fast as the gateware can be built for: time is cheap here, cycles are not.
        divisor = bit_cycles(parameters.clock_hz, parameters.baud)
        self._board = ctypes.c_void_p(self._library.open_board(ctypes.c_int64(divisor)))
        self._byte_cycles = BITS * divisor
        self.run(b"")  # power comes before any host: the digest in the flash is read by then

    def run(self, data: bytes, cycles: int = SLICE_CYCLES) -> bytes:
        """Send ``data`` after what is still on its way, run ``cycles`` cycles, and return the bytes
        that came.
        """
        found = ctypes.create_string_buffer(cycles // self._byte_cycles + 1)

        count = self._library.run_board(
            self._board, data, ctypes.c_int64(len(data)), found, ctypes.c_int64(cycles)
        )
        return found.raw[:count]

    def close(self) -> None:
        """Switch the board off."""
        self._library.close_board(self._board)


class Terminal:
    """A pseudo-terminal; ``port`` is the name that a host opens.

    :raises InputError: this system has none.
    """

    def __init__(self) -> None:
        try:
            import tty  # Unix only, like pseudo-terminals; all other commands run without
        except ImportError as error:
            raise InputError(
                "emulate: this system has no pseudo-terminals, which need Linux or macOS; "
                "`python -m hw simulate` compares the gateware without one."
            ) from error

        # Ours, and the host's, which is kept open so that hosts may come and go.
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self.port = os.ttyname(self._far)

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, after at most ``timeout_s``."""
        ready, _, _ = select.select([self._near], [], [], timeout_s)
        return os.read(self._near, 4096) if ready else b""

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        while data:
            data = data[os.write(self._near, data) :]

    def close(self) -> None:
        """Give the name back."""
        os.close(self._near)
        os.close(self._far)


def serve(
    board: VirtualBoard, terminal: Terminal, go_on: Callable[[], bool] = lambda: True
) -> None:
    """Run the board at the terminal while ``go_on`` is true; an idle one sleeps between slices."""
    quiet = 0
    while go_on():
        # Waiting for a byte is what lets an idle board sleep.
        data = terminal.read(IDLE_S if quiet >= QUIET_CYCLES else 0.0)
        reply = board.run(data)

        quiet = 0 if data or reply else quiet + SLICE_CYCLES
        terminal.write(reply)
