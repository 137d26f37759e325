"""``hw build`` as a user meets it; what it builds is for tests/test_hw_flow_build.py."""

import pytest

from command_lines import sentence_of, write_network
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
