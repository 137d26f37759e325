"""Loads a bitstream into a board, with openFPGALoader."""

import shutil
import subprocess
from pathlib import Path

from hw.boards import Board
from hw.toolchain import bitstream
from sim.command import InputError

LOADER = "openFPGALoader"


def program(board: Board, folder: Path, flash: bool) -> None:
    """Load the bitstream that was built in ``folder``; into the flash, or only until power goes.

    :raises InputError: there is no bitstream, no board, or no openFPGALoader, or it fails.
    """
    file = folder / bitstream(board)
    if board.pins is None:
        raise InputError(f"board: {board.name} only measures; choose one with pins (`python -m hw boards`).")
    if not file.is_file():
        raise InputError(f"{file}: no such file; `python -m hw build DIR --board {board.name}` makes it.")
    loader = shutil.which(LOADER)
    if loader is None:
        raise InputError(
            f"{LOADER}: no such program; install it (`apt install openfpgaloader`, `brew install openfpgaloader`)."
        )
    kept = ["--write-flash"] if flash else []
    status = subprocess.run([loader, "--board", board.programmer, *kept, str(file)], check=False).returncode
    if status:
        raise InputError(f"{LOADER}: fails; is {board.name} connected, and may you use its USB port (udev rules)?")
