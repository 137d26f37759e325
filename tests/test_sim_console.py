"""Exit statuses, and one sentence for whatever goes wrong."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from command_lines import sentence_of, status_of, write_network
from random_networks import random_images, random_network
from sim.commands.parser import main
from sim.errors import one_line
from sim.file import save


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


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_but_what_is_printed(tmp_path, closed):
    """Nothing that is opened later takes the number of standard output either."""
    write_network(tmp_path, seed=11, images=1)
    page = tmp_path / "described.json"
    command = f"{sys.executable} -m sim describe {tmp_path} --json {page} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert page.read_text().startswith("{")
    done = subprocess.run(f"{command} --no", shell=True, capture_output=True, check=False)
    assert done.returncode == 2


def test_a_full_standard_output_is_one_sentence(tmp_path):
    write_network(tmp_path, seed=11, images=1)
    command = f"{sys.executable} -m sim describe {tmp_path} > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: file: No space left on device.\n")


@pytest.mark.parametrize("name", ["two\nlines", "half \udc80", "[/bold]", "a\x1b[31mred", "[x]"])
def test_names_of_files_are_printed_as_they_are_on_one_line(tmp_path, capsys, name):
    sentence = sentence_of(capsys, main, "describe", tmp_path / name)
    assert one_line(name) in sentence
    assert sentence.isprintable()
    sentence = sentence_of(capsys, main, "describe", tmp_path, f"--{name}")
    assert sentence.isprintable()


@pytest.mark.parametrize("text", ["[/bold]", "[red]x", ":smile:", "two\n[lines]"])
def test_texts_of_a_network_are_printed_as_they_are(tmp_path, capsys, text):
    network = random_network(11)
    names = (text, *network.classes[1:])
    network = replace(network, classes=names, provenance={"dataset": text, text: [text]})
    save(network, tmp_path / "network.safetensors")
    assert status_of(main, "describe", tmp_path) == 0
    assert text.splitlines()[-1] in capsys.readouterr().out
