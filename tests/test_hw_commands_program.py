"""``hw program`` as a user meets it; loading is for tests/test_hw_flow_program.py."""

from command_lines import sentence_of
from hw.commands.parser import main


def test_a_folder_without_a_bitstream_says_how_to_get_one(tmp_path, capsys):
    sentence = sentence_of(capsys, main, "program", tmp_path, "--board", "icebreaker")
    assert "`python -m hw build DIR --board icebreaker` makes it" in sentence
