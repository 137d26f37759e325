"""``hw program`` as a user meets it; loading is for tests/test_hw_flow_program.py."""

import sys

from command_lines import sentence_of, status_of
from hw.commands.parser import main


def test_a_folder_without_a_bitstream_says_how_to_get_one(tmp_path, capsys):
    sentence = sentence_of(capsys, main, "program", tmp_path, "--board", "icebreaker")
    assert "`python -m hw build DIR --board icebreaker` makes it" in sentence


def test_options_of_the_cable_reach_the_loader(tmp_path, capsys, monkeypatch):
    loader, said = tmp_path / "openFPGALoader", tmp_path / "said"
    loader.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(said)!r}, 'w').write(str(sys.argv))\n"
    )
    loader.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "icebreaker").mkdir()
    (tmp_path / "icebreaker" / "top.bin").write_bytes(b"bits")
    options = ("--flash", "--cable", "ft232", "--ftdi-serial", "ib7", "--busdev-num", "1:4")
    assert status_of(main, "program", tmp_path, "--board", "icebreaker", *options) == 0
    assert "'--cable', 'ft232', '--ftdi-serial', 'ib7', '--busdev-num', '1:4'" in said.read_text()
    assert "bytes 0 to 65535 of its flash are overwritten" in capsys.readouterr().err
