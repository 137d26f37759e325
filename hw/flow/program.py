"""Loads a bitstream into a board, with openFPGALoader."""

import shutil
import subprocess
from pathlib import Path

from hw.boards.table import Board
from hw.storage.flash import OFFSET, WEIGHTS_FILE
from sim.errors import InputError

LOADER = "openFPGALoader"


def program(board: Board, folder: Path, flash: bool) -> None:
    """Load the bitstream that was built in ``folder``; into the flash, or only until power goes.

    Weights that are stored in flash are written there before it.

    :param folder: of bitstream and weights.
    :param flash: whether it is to stay when power goes.
    :raises InputError: there is no bitstream, no board, or no openFPGALoader, or it fails.
    """
    file = folder / board.device.family.bitstream_file
    if board.pins is None:
        raise InputError(
            f"board: {board.name} only measures; choose one with pins (`python -m hw boards`)."
        )
    if not file.is_file():
        raise InputError(
            f"{file}: no such file; `python -m hw build DIR --board {board.name}` makes it."
        )
    loader = shutil.which(LOADER)
    if loader is None:
        raise InputError(
            f"{LOADER}: no such program; install it "
            "(`apt install openfpgaloader`, `brew install openfpgaloader`)."
        )

    steps = [["--write-flash", str(file)] if flash else [str(file)]]
    weights = folder / WEIGHTS_FILE
    if weights.is_file():
        write = ["--write-flash", str(weights), "--offset", str(OFFSET), "--file-type", "raw"]
        steps.insert(0, write)

    command = [loader, "--board", board.programmer]
    if any(subprocess.run([*command, *step], check=False).returncode for step in steps):
        raise InputError(
            f"{LOADER}: fails; is {board.name} connected, "
            "and may you use its USB port (udev rules)?"
        )
