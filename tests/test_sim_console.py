"""Exit statuses, and one sentence for whatever goes wrong."""

import subprocess
import sys

import numpy as np
import pytest

from command_lines import status_of, write_network
from random_networks import random_images


def test_closed_pipe_is_not_an_error(tmp_path):
    network, _ = write_network(tmp_path, seed=11, images=1)
    np.save(tmp_path / "many.npy", random_images(network, 20000, 1))
    command = f"{sys.executable} -m sim run {tmp_path} --images {tmp_path / 'many.npy'} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_interrupt_is_130(capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    assert status_of(interrupted) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError(2, "No such file or directory", "x.npy"), "x.npy: No such file or"),
        (ModuleNotFoundError("no", name="torch"), "torch is not installed"),
    ],
)
def test_what_the_user_can_mend_is_one_sentence_and_status_2(capsys, error, sentence):
    def failing(words):
        raise error

    assert status_of(failing) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: {sentence}")
    assert printed.count("\n") == 1
