"""Loading a bitstream, with a loader that writes down what it is asked to do."""

import sys
from dataclasses import replace

import pytest

from hw.boards.table import BOARDS, find_board
from hw.flow.program import Cable, program
from hw.storage.flash import OFFSET, WEIGHTS_FILE
from sim.errors import InputError

WITH_PINS = [board for board in BOARDS.values() if board.pins is not None]


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """A stand-in for openFPGALoader; returns what it was asked to do, call by call."""
    said = tmp_path / "said"
    script = (
        f"#!{sys.executable}\nimport sys\nprint(*sys.argv[1:], file=open({str(said)!r}, 'a'))\n"
    )
    (tmp_path / "openFPGALoader").write_text(script)
    (tmp_path / "openFPGALoader").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return lambda: said.read_text().splitlines()


@pytest.fixture
def built(tmp_path):
    """A folder with a bitstream for every board."""
    for board in WITH_PINS:
        (tmp_path / board.device.family.bitstream_file).write_bytes(bytes(100_000))
    return tmp_path


@pytest.mark.parametrize("board", WITH_PINS, ids=lambda board: board.name)
@pytest.mark.parametrize("flash", [False, True])
def test_the_loader_is_told_where_a_bitstream_goes(loader, built, board, flash):
    """Without an instruction it would write the flash of boards that are programmed over SPI."""
    told = []
    program(board, str(built), flash, say=told.append)
    file = built / board.device.family.bitstream_file
    where = "--write-flash" if flash else "--write-sram"
    assert loader() == [f"--board {board.programmer} {where} {file}"]
    overwritten = (
        f"{board.name}: bytes 0 to 131071 of its flash are overwritten by {file} (100000 bytes)"
    )
    assert told == ([overwritten] if flash else [])


@pytest.mark.parametrize("flash", [False, True])
def test_weights_go_into_the_flash_first_and_are_announced(loader, built, flash):
    board, told = find_board("icebreaker"), []
    (built / WEIGHTS_FILE).write_bytes(b"weights")
    program(board, built, flash, say=told.append)
    weights, bits = loader()
    place = f"--offset {OFFSET} --file-type raw --write-flash {built / WEIGHTS_FILE}"
    assert weights == f"--board ice40_generic {place}"
    assert ("--write-sram" in bits) is not flash
    assert len(told) == 1 + flash
    assert told[0].startswith(f"icebreaker: bytes {OFFSET} to {OFFSET + 65535} of its flash")


def test_one_of_several_boards_is_passed_on(loader, built):
    program(find_board("ulx3s-85f"), built, False, Cable("ft231X", "D00084", "001:004"))
    options = "--cable ft231X --ftdi-serial D00084 --busdev-num 001:004"
    assert loader() == [f"--board ulx3s {options} --write-sram {built / 'top.bit'}"]


def test_programming_says_what_is_missing(tmp_path, monkeypatch, loader, built):
    board = find_board("icebreaker")
    with pytest.raises(InputError, match="hw build DIR --board icebreaker"):
        program(board, tmp_path / "elsewhere", flash=False)
    with pytest.raises(InputError, match="only measures"):
        program(replace(board, pins=None), built, flash=False)
    (tmp_path / "openFPGALoader").write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
    with pytest.raises(InputError, match="openFPGALoader: fails; is icebreaker connected"):
        program(board, built, flash=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="openFPGALoader: no such program"):
        program(board, built, flash=False)
