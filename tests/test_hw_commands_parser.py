"""``python -m hw``: every command has its help, and what is missing is one sentence."""

import subprocess
import sys

import pytest

from command_lines import sentence_of, write_network
from hw.commands.parser import main

COMMANDS = (
    *("boards", "check", "verilog", "simulate", "build"),
    *("program", "emulate", "classify", "learn"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"example: python -m hw {command}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", ["build", "check", "program", "simulate", "emulate"])
def test_unknown_board_is_refused(tmp_path, capsys, command):
    write_network(tmp_path, seed=11, images=1)
    sentence = sentence_of(capsys, main, command, tmp_path, "--board", "nowhere")
    assert sentence.startswith("board 'nowhere' is unknown; choose one of")


def test_missing_amaranth_is_one_sentence():
    code = (
        "import runpy, sys; sys.modules['amaranth'] = None; "
        "runpy.run_module('hw', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: amaranth")
    assert done.stderr.count("\n") == 1


UNIX = ("fcntl", "termios", "tty", "pty", "resource", "pwd", "grp")


def test_only_the_pseudo_terminal_needs_unix(tmp_path):
    write_network(tmp_path, seed=11, images=1)
    hidden = f"import sys; sys.modules.update(dict.fromkeys({UNIX})); "
    code = f"""{hidden}
from hw.bench.emulate import Terminal
from hw.commands.parser import main
from sim.errors import InputError

assert main(["boards"]) == 0
try:
    Terminal()
except InputError as error:
    print(error, file=sys.stderr)
sys.exit(main(["verilog", {str(tmp_path)!r}, "--lanes", "1", "--out", {str(tmp_path / "top.v")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "this system has no pseudo-terminals" in done.stderr
