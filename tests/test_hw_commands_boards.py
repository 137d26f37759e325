"""``hw boards`` as a user meets it."""

import json

from hw.boards.table import BOARDS
from hw.commands.parser import main


def test_boards_lists_every_board(capsys):
    assert main(["boards", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(BOARDS)
    assert main(["boards"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in BOARDS)
