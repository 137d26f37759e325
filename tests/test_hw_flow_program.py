"""Loading a bitstream, with a loader that writes down what it is asked to do."""

import sys
from dataclasses import replace

import pytest

from hw.boards.table import find_board
from hw.flow.program import program
from hw.storage.flash import WEIGHTS_FILE
from sim.errors import InputError


def test_programming_says_what_is_missing(tmp_path, monkeypatch):
    board = find_board("icebreaker")
    with pytest.raises(InputError, match="hw build DIR --board icebreaker"):
        program(board, tmp_path, flash=False)
    (tmp_path / "top.bin").write_bytes(b"bits")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="openFPGALoader: no such program"):
        program(board, tmp_path, flash=False)
    loader = tmp_path / "openFPGALoader"
    loader.write_text(
        f'#!{sys.executable}\nimport sys\nprint(*sys.argv[1:], file=open("{tmp_path}/said", "a"))\n'
    )
    loader.chmod(0o755)
    (tmp_path / WEIGHTS_FILE).write_bytes(b"weights")
    program(board, tmp_path, flash=True)
    weights, bits = (tmp_path / "said").read_text().splitlines()
    assert bits == f"--board ice40_generic --write-flash {tmp_path / 'top.bin'}"
    assert weights == f"{bits.replace('top.bin', WEIGHTS_FILE)} --offset 2097152 --file-type raw"
    with pytest.raises(InputError, match="only measures"):
        program(replace(board, pins=None), tmp_path, flash=False)
