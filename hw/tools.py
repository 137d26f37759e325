"""Programs of others: where they are, how they are run, and how they ended."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from os import environ
from pathlib import Path

from sim.errors import InputError
from sim.files import AnyPath, cache_folder

SHELL_SIGNALS = 128
"""A shell, and tools that wrap others, say a signal as this number plus the signal's."""

CAUSES = {
    "SIGKILL": "most likely memory ran out, so close other programs or take a smaller design",
    "SIGXCPU": "a limit on processor time was reached",
    "SIGTERM": "somebody ended it",
    "SIGINT": "somebody interrupted it",
    "SIGHUP": "its terminal was closed",
}
"""Why a program is killed by a signal, most likely."""

_ERROR = re.compile(r"^ERROR|^%Error|\berror: ")
"""A line about an error, of yosys and nextpnr, Verilator, and C++ compilers."""

OTHER_CAUSE = "memory ran out, or it has a bug"


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    :param command: its words.
    :param status: exit status; negative: the number of the signal that killed it.
    :param said: all it said.
    """

    command: Sequence[str]
    status: int
    said: str

    @property
    def line(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.command)

    @property
    def error(self) -> str:
        """The last error that it said, else its last line; empty if it said nothing."""
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        errors = [line for line in lines if _ERROR.search(line)]
        return (errors or lines or [""])[-1].removeprefix("ERROR: ").rstrip(".")

    @property
    def failure(self) -> str | None:
        """How it failed, as the end of a sentence about it; None: it did not."""
        if self.status == 0:
            return None
        killed = _signal(self.status)
        if killed is not None:
            return f"was killed by {killed}: {CAUSES.get(killed, OTHER_CAUSE)}"
        return f"fails, {self.error or f'with status {self.status}, and says nothing'}"


def _signal(status: int) -> str | None:
    """Return the name of the signal that an exit status tells of; None: it tells of none."""
    number = -status if status < 0 else status - SHELL_SIGNALS
    try:
        return signal.Signals(number).name
    except ValueError:
        return None


def run_tool(
    command: Sequence[str],
    folder: AnyPath,
    output: AnyPath | None = None,
    remedy: str = "install it",
) -> Ended:
    """Run a program in ``folder``, and wait for it.

    :param output: the file that gets all it says; None: it is only returned.
    :param remedy: what to do where it is missing.
    :raises InputError: there is no such program, or it may not be run.
    """
    folder = Path(folder)
    output = None if output is None else Path(output)
    with tempfile.TemporaryFile() if output is None else output.open("w+b") as file:
        try:
            done = subprocess.run(
                list(command),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=_environment(),
                check=False,
            )
        except OSError as error:
            raise InputError(
                f"{command[0]}: cannot be run ({error.strerror}); {remedy}."
            ) from error
        file.seek(0)
        return Ended(command, done.returncode, file.read().decode(errors="replace"))


def _environment() -> dict[str, str]:
    """Return the environment of tools: those from pip are compiled before their first run, and keep
    that in the user's cache, without which they do not run at all.
    """
    return {"YOWASP_CACHE_DIR": str(cache_folder("YoWASP")), **environ}


def find_tool(name: str) -> str:
    """Return the program to run for ``name``: the one that the environment variable of that name
    names, else the newer one of that on PATH and that from pip.

    :raises InputError: there is none.
    """
    wanted = environ.get(name.upper().replace("-", "_")) or (
        name if _is_newer(name) else f"yowasp-{name}"
    )
    beside = Path(sys.executable).parent / wanted
    found = str(beside) if beside.is_file() else shutil.which(wanted)
    if found is None:
        raise InputError(f"{wanted}: no such program; install it with `pip install yowasp-{name}`.")
    return found


@cache
def _is_newer(name: str) -> bool:
    """Return whether the tool on PATH is newer than the one from pip; one that does not print its
    version is not.
    """
    native = shutil.which(name)
    try:
        ours = _version(metadata.version(f"yowasp-{name}"))
    except metadata.PackageNotFoundError:
        return False
    if native is None:
        return False
    return _version(run_tool([native, "-V"], Path(os.curdir)).said) > ours


def _version(text: str) -> tuple[int, ...]:
    """Return the first version in a text, as far as its second number."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()
