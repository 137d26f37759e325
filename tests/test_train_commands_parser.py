"""``python -m train``: every command has its help, and its place under torchrun."""

import subprocess
import sys

import pytest

from sim.errors import InputError
from train.commands.parser import main


@pytest.mark.parametrize("command", ["fit", "evaluate", "export", "learn", "sweep"])
def test_every_command_has_help_with_an_example(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"example: python -m train {command}" in " ".join(capsys.readouterr().out.split())


def test_missing_torch_is_one_sentence():
    code = (
        "import runpy, sys; sys.modules['torch'] = None; "
        "runpy.run_module('train', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: torch")
    assert done.stderr.count("\n") == 1


def test_other_commands_do_without_torchrun(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    with pytest.raises(InputError) as error:
        main(["sweep", "zoo/mnist.toml", "--out", str(tmp_path)])
    assert str(error.value) == (
        "torchrun: is for fit and export; start `python -m train sweep` without it."
    )
