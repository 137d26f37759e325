"""A serial port as a line to a board."""

import contextlib
import time

from hw.link.uart import BAUD, BITS
from sim.errors import InputError

WRITE_PATIENCE_S = 5.0
"""A port that takes no byte for longer has nobody behind it."""


class SerialLine:
    """A serial port, or a pseudo-terminal; see :class:`hw.link.exchange.Line`.

    :param port: its name.
    :param baud: bits per second.
    :raises InputError: there is no such port, it may not be used, or somebody else uses it.
    """

    def __init__(self, port: str, baud: int = BAUD):
        # only here, as it needs parts of Python that differ from system to system
        import serial

        self._baud = baud
        try:
            self._serial = serial.Serial(port, baud, exclusive=True)
        except (OSError, ValueError) as error:
            raise InputError(f"{port}: {_remedy(error)}.") from error

    def write(self, data: bytes) -> None:
        """Send all bytes.

        :raises OSError: the port is gone, or takes no more: nobody reads what it sends.
        """
        self._serial.write_timeout = WRITE_PATIENCE_S + self.seconds_for(len(data))
        self._serial.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Return what has come; wait for at least one byte, but no longer than that."""
        self._serial.timeout = timeout_s
        return self._serial.read(max(1, self._serial.in_waiting))

    def seconds_for(self, count: int) -> float:
        """Return how long so many bytes take on the line."""
        return count * BITS / self._baud

    def seconds(self) -> float:
        """Return the time of this computer."""
        return time.monotonic()

    def close(self) -> None:
        """Let the port go, and what it could not send."""
        # a port that was unplugged fails with an error of the system's own
        with contextlib.suppress(Exception):
            self._serial.reset_output_buffer()
        self._serial.close()


def _remedy(error: Exception) -> str:
    text = str(error)
    if "No such file" in text:
        return (
            "there is no such port; plug the board in, "
            "and list ports with `python -m serial.tools.list_ports`"
        )
    if "Permission" in text:
        return "may not be opened; add yourself to the group that owns it (dialout)"
    if "lock" in text or "busy" in text:
        return "is used by another program; close that first"
    return f"cannot be opened ({text})"
