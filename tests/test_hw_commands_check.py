"""``hw check`` as a user meets it; what it finds is for tests/test_hw_flow_check.py."""

import json

from command_lines import sentence_of, write_network
from hw.commands.parser import main
from sim.file import save
from small_data import PATTERNS
from train.learning.random_network import random_network


def test_check_prints_findings(tmp_path, capsys):
    write_network(tmp_path, seed=11, images=2)
    words = ["check", str(tmp_path), "--board", "icebreaker", "--lanes", "1"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["board"], found["fits"]) == ("icebreaker", True)
    assert found["silent_layers"] is not None, "there are vectors"
    assert main(words) == 0
    assert "icebreaker: fits" in capsys.readouterr().out


def test_words_too_long_to_be_read_back_are_refused(tmp_path, capsys):
    save(random_network(PATTERNS, 250, 1), tmp_path / "network.safetensors")
    words = ("check", tmp_path, "--board", "ulx3s-85f", "--learn")
    sentence = "--lanes: what is learnt is read back in words of at most 240 bytes"
    assert sentence_of(capsys, main, *words).startswith(sentence)
