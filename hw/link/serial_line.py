"""A serial port as a line to a board."""

import time

from hw.link.uart import BAUD
from sim.errors import InputError


class SerialLine:
    """A serial port, or a pseudo-terminal; see :class:`hw.link.exchange.Line`.

    :param port: its name.
    :param baud: bits per second.
    :raises InputError: there is no such port, it may not be used, or somebody else uses it.
    """

    def __init__(self, port: str, baud: int = BAUD):
        # only here, as it needs parts of Python that differ from system to system
        import serial

        try:
            self._serial = serial.Serial(port, baud, exclusive=True)
        except (OSError, ValueError) as error:
            raise InputError(f"{port}: {_remedy(error)}.") from error

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        self._serial.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Return what has come; wait for at least one byte, but no longer than that."""
        self._serial.timeout = timeout_s
        return self._serial.read(max(1, self._serial.in_waiting))

    def seconds(self) -> float:
        """Return the time of this computer."""
        return time.monotonic()

    def close(self) -> None:
        """Let the port go."""
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
