"""Loads a bitstream into a board, with openFPGALoader."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.boards.table import Board
from hw.storage.flash import OFFSET, WEIGHTS_FILE
from sim.errors import InputError
from sim.files import AnyPath

LOADER = "openFPGALoader"

SECTOR_BYTES = 1 << 16
"""What the loader erases at least: whole sectors of the flash."""


@dataclass(frozen=True)
class Cable:
    """Which of several boards at this computer is meant; None: the loader takes the first.

    :param kind: the loader's name of the cable, where it is not the board's own.
    :param ftdi_serial: serial number of the board's FTDI chip.
    :param busdev_num: USB bus and device, as in ``001:004``.
    """

    kind: str | None = None
    ftdi_serial: str | None = None
    busdev_num: str | None = None

    @property
    def options(self) -> list[str]:
        """The words of openFPGALoader's command line for it."""
        named = {
            "--cable": self.kind,
            "--ftdi-serial": self.ftdi_serial,
            "--busdev-num": self.busdev_num,
        }
        return [
            word for name, value in named.items() if value is not None for word in (name, value)
        ]


FIRST_CABLE = Cable()


@dataclass(frozen=True)
class Step:
    """One call of the loader.

    :param file: what is loaded.
    :param options: of the loader, before the file.
    :param offset: of the flash's byte that is overwritten first; None: the flash stays as it is.
    """

    file: Path
    options: tuple[str, ...]
    offset: int | None = None

    def overwrites(self, board: Board) -> str | None:
        """Return a sentence about what the step overwrites; None: nothing that stays."""
        if self.offset is None:
            return None
        size = self.file.stat().st_size
        end = -(-(self.offset + size) // SECTOR_BYTES) * SECTOR_BYTES
        return (
            f"{board.name}: bytes {self.offset} to {end - 1} of its flash are overwritten "
            f"by {self.file} ({size} bytes)"
        )


def steps(board: Board, folder: AnyPath, flash: bool) -> Sequence[Step]:
    """Return what the loader has to do, weights that are stored in flash first.

    For boards programmed over SPI (iCE40) openFPGALoader takes no instruction as an order to write
    the flash, so each step says where its file goes.
    """
    folder = Path(folder)
    bits = folder / board.device.family.bitstream_file
    last = Step(bits, ("--write-flash",), 0) if flash else Step(bits, ("--write-sram",))
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        return [last]
    place = ("--offset", str(OFFSET), "--file-type", "raw", "--write-flash")
    return [Step(weights, place, OFFSET), last]


def program(
    board: Board,
    folder: AnyPath,
    flash: bool,
    cable: Cable = FIRST_CABLE,
    say: Callable[[str], object] = lambda _: None,
) -> None:
    """Load the bitstream that was built in ``folder``; into the flash, or only until power goes.

    Weights that are stored in flash are written there before it.

    :param folder: of bitstream and weights.
    :param flash: whether it is to stay when power goes.
    :param cable: to which board, where there are several.
    :param say: receives a sentence about each part of the flash that will be overwritten, before
        anything is.
    :raises InputError: there is no bitstream, no board, or no openFPGALoader, or it fails.
    """
    file = Path(folder) / board.device.family.bitstream_file
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

    todo = steps(board, Path(folder), flash)
    for sentence in filter(None, (step.overwrites(board) for step in todo)):
        say(sentence)

    command = [loader, "--board", board.programmer, *cable.options]
    for step in todo:
        if subprocess.run([*command, *step.options, str(step.file)], check=False).returncode:
            raise InputError(
                f"{LOADER}: fails; is {board.name} connected, "
                "and may you use its USB port (udev rules)?"
            )
