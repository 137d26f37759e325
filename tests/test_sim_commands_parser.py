"""``python -m sim``: every command has its help, and bad input is one sentence."""

import numpy as np
import pytest

from command_lines import sentence_of, write_network
from sim.commands.parser import main


@pytest.mark.parametrize("command", ["run", "report", "describe", "frontier"])
def test_every_command_has_help_with_an_example(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"example: python -m sim {command}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("describe", "nowhere"), "no such file"),
        (("describe",), "the following arguments are required: DIR"),
        (("describe", ".", "--colour"), "unrecognized arguments: --colour"),
        (("paint",), "COMMAND: invalid choice: 'paint'"),
        (("run", "."), "one of the arguments --images --dataset --events is required"),
        (("run", ".", "--images", "nowhere.npy"), "nowhere.npy: no such file; write one array"),
        (("run", ".", "--images", "network.safetensors"), "is not a NumPy .npy file"),
        (("run", ".", "--images", "wrong.npy"), "images: must be uint8"),
        (("run", ".", "--images", "one.npy"), "one.npy: has shape ()"),
        (("run", ".", "--images", "many.npz"), "many.npz: holds 2 arrays"),
        (
            ("run", ".", "--images", "images.npy", "--dataset", "mnist"),
            "--dataset: not allowed with argument --images",
        ),
        (
            ("run", ".", "--images", "images.npy", "--labels", "images.npy"),
            "labels: must be 3 integers",
        ),
        (
            ("run", ".", "--dataset", "yin-yang", "--labels", "images.npy"),
            "--labels: belong to the images of a file",
        ),
        (("report", ".", "--dataset", "cifar"), "data set 'cifar' is unknown"),
        (("report", ".", "--limit", "0"), "--limit: must be at least 1, not 0."),
        (("report", ".", "--limit", "many"), "--limit: must be a whole number, not many."),
        (("frontier", ".", "--cost", "gold"), "--cost: must be one of reads, spikes, memory"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(tmp_path, monkeypatch, capsys, words, sentence):
    write_network(tmp_path, seed=11, images=3)
    np.save(tmp_path / "wrong.npy", np.zeros((1, 5, 7)))
    np.save(tmp_path / "one.npy", np.uint8(3))
    np.savez(tmp_path / "many.npz", np.zeros(3), np.zeros(4))
    monkeypatch.chdir(tmp_path)
    assert sentence in sentence_of(capsys, main, *words)
