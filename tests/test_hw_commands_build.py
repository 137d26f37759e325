"""``hw build`` as a user meets it; what it builds is for tests/test_hw_flow_build.py."""

import json
import re
import sys

import pytest

from command_lines import sentence_of, status_of, write_network
from hw.commands.parser import main


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--clock-mhz", "fast"), "--clock-mhz: must be a number above 0 or 'auto', not fast."),
        (("--clock-mhz", "-1"), "--clock-mhz: must be a number above 0 or 'auto', not -1."),
        (("--clock-mhz", "nan"), "--clock-mhz: must be a number above 0 or 'auto', not nan."),
        (("--seeds", "0"), "--seeds: must be at least 1, not 0."),
        (("--workers", "0"), "--workers: must be at least 1, not 0."),
        (("--baud", "x"), "--baud: must be a whole number, not x."),
        (("--placer", "best"), "--placer: must be one of sa, heap, static, not best."),
        (("--router", "best"), "--router: must be one of router1, router2, not best."),
    ],
)
def test_bad_options_are_one_sentence(tmp_path, capsys, options, sentence):
    write_network(tmp_path, seed=11, images=1)
    words = ("build", tmp_path, "--board", "icebreaker", *options)
    assert sentence_of(capsys, main, *words) == sentence
    assert not (tmp_path / "icebreaker").exists()


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            {"SB_RAM40_4K": 35},
            "icebreaker: 35 block RAMs are needed and 30 there: take --w",
        ),
        (
            {"$dff_1": 6300},
            r"icebreaker: about \d+ look-up tables are needed and 5280 there",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_built(
    tmp_path, capsys, monkeypatch, cells, sentence
):
    write_network(tmp_path, seed=11, images=1)
    report = json.dumps({"design": {"num_cells_by_type": cells}})
    tool = tmp_path / "yosys"
    tool.write_text(f"#!{sys.executable}\nopen('cells.json', 'w').write({report!r})\n")
    tool.chmod(0o755)
    monkeypatch.setenv("YOSYS", str(tool))
    monkeypatch.setenv("NEXTPNR_ICE40", "no-such-tool")
    words = ("build", tmp_path, "--board", "icebreaker", "--lanes", "1")
    assert re.match(sentence, sentence_of(capsys, main, *words))
    assert not (tmp_path / "icebreaker").exists()


def test_what_may_fit_is_tried_and_said_to_be_tight(tmp_path, capsys, monkeypatch):
    """The estimate has an error; within it, nextpnr decides."""
    write_network(tmp_path, seed=11, images=1)
    report = json.dumps({"design": {"num_cells_by_type": {"$dff_1": 5400}}})
    tool = tmp_path / "yosys"
    tool.write_text(f"#!{sys.executable}\nopen('cells.json', 'w').write({report!r})\n")
    tool.chmod(0o755)
    monkeypatch.setenv("YOSYS", str(tool))
    words = ("build", tmp_path, "--board", "icebreaker", "--lanes", "1")
    assert status_of(main, *words) == 2, "this yosys makes no netlist"
    said, error = capsys.readouterr().err.splitlines()
    assert re.match(r"icebreaker: about 5[34]\d\d look-up tables are needed and 5280 there", said)
    assert error.startswith("error: ")
