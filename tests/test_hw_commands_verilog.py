"""``hw verilog`` as a user meets it."""

from pathlib import Path

import pytest

from command_lines import sentence_of, write_network
from hw.commands.parser import main


def test_verilog_is_complete(tmp_path, capsys):
    out = tmp_path / "my machine.v"
    write_network(tmp_path, seed=11, images=1)
    assert main(["verilog", str(tmp_path), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    written = printed.out.splitlines()
    assert f"run simulators in {tmp_path}, where they find the memories" in printed.err
    text = out.read_text()
    assert str(out) in written
    assert all((tmp_path / name).is_file() for name in written)
    assert all(f'$readmemb("{Path(name).name}"' in text for name in written[1:])
    assert text.count("$readmem") == text.count('$fopen("my machine-') == len(written) - 1
    assert "module top(" in text
    assert "// i__payload[7:0] intensity\n// i__payload[8:8] last\n" in text
    assert "// o__payload[1:0] outcome.status 0 DECIDED, 1 TIMED_OUT, 2 DROPPED\n" in text
    assert all(
        f"{stream}__{signal}" in text for stream in "io" for signal in ("payload", "valid", "ready")
    )


def test_bad_options_are_one_sentence(tmp_path, capsys):
    write_network(tmp_path, seed=11, images=1)
    words = ("verilog", tmp_path, "--out", tmp_path / "x.vhd")
    assert sentence_of(capsys, main, *words).startswith("--out: must be a file .v or .sv")
    odd = ("verilog", tmp_path, "--out", tmp_path / 'a"b.v', "--lanes", "1")
    assert "leave out quotes" in sentence_of(capsys, main, *odd)
    assert "one of pixels, events" in sentence_of(capsys, main, *words, "--input", "sound")


def test_the_help_names_the_folder_that_a_simulator_runs_in(capsys):
    with pytest.raises(SystemExit):
        main(["verilog", "--help"])
    assert "a simulator must run in that folder" in " ".join(capsys.readouterr().out.split())
