"""The console script: one name for all command lines, and deaf to what is in the current folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_lines import sentence_of, write_network
from sim.commands.firstspike import start

ROOT = Path(__file__).parent.parent

SCRIPT = "from sim.commands.firstspike import main\nmain()\n"
"""What pip writes for the entry point, but for its first line."""

HOSTILE = "raise SystemExit('what is in the current folder was run')\n"


@pytest.fixture
def firstspike(tmp_path):
    """A function that calls the console script from a folder full of the packages' names."""
    script, folder = tmp_path / "bin" / "firstspike", tmp_path / "work"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    for name in ("sim", "hw"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(HOSTILE)
    (folder / "train.py").write_text(HOSTILE)

    def call(*words):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(script), *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, env=environment
        )

    return call


def test_a_users_own_files_are_not_taken_for_ours(firstspike, tmp_path):
    network, _ = write_network(tmp_path, seed=11, images=1)
    done = firstspike("sim", "describe", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digest"] == f"{network.digest:08x}"
    for package in ("train", "hw"):
        done = firstspike(package, "--help")
        assert done.returncode == 0, done.stderr
        assert f"usage: firstspike {package} " in done.stdout
        assert f"example: firstspike {package} " in done.stdout


def test_help_of_a_command_says_how_it_is_called(capsys):
    with pytest.raises(SystemExit, match="0"):
        start(["hw", "simulate", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "usage: firstspike hw simulate" in printed
    assert "example: firstspike hw simulate build/mnist" in printed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "the following arguments are required: train|sim|hw"),
        (("paint",), "train|sim|hw: must be one of train, sim, hw, not paint."),
        (("hw", "paint"), "COMMAND: invalid choice: 'paint'"),
        (("sim", "run"), "`firstspike sim run --help` lists what it takes."),
    ],
)
def test_bad_input_is_one_sentence(capsys, words, sentence):
    assert sentence in sentence_of(capsys, start, *words)
