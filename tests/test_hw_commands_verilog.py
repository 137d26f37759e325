"""``hw verilog`` as a user meets it."""

from pathlib import Path

from command_lines import sentence_of, write_network
from hw.commands.parser import main


def test_verilog_is_complete(tmp_path, capsys):
    out = tmp_path / "my machine.v"
    write_network(tmp_path, seed=11, images=1)
    assert main(["verilog", str(tmp_path), "--out", str(out)]) == 0
    written = capsys.readouterr().out.splitlines()
    text = out.read_text()
    assert str(out) in written
    assert all((tmp_path / name).is_file() for name in written)
    assert all(f'$readmemb("{Path(name).name}"' in text for name in written[1:])
    assert text.count("$readmem") == len(written) - 1
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
    assert "one of pixels, events" in sentence_of(capsys, main, *words, "--input", "sound")
