"""Options that mean the same, and fail in the same words, in every command that has them."""

from pathlib import Path

import numpy as np
import pytest

from command_lines import sentence_of, write_network
from hw.commands.parser import main as hw
from sim.commands.parser import main as sim
from train.commands.parser import main as train

LANES = (
    ("verilog", "--out", "x.v"),
    ("simulate",),
    ("check", "--board", "icebreaker"),
    ("build", "--board", "icebreaker"),
    ("emulate",),
)

LIMIT = (
    (sim, "run", ".", "--dataset", "mnist"),
    (sim, "report", "."),
    (hw, "simulate", "."),
    (hw, "classify", ".", "--port", "/dev/none", "--dataset", "mnist"),
    (hw, "learn", ".", "--port", "/dev/none", "--out", "out"),
    (train, "learn", "--out", "out"),
)

SEED = (
    (hw, "simulate", "."),
    (hw, "build", ".", "--board", "icebreaker"),
    (hw, "learn", ".", "--port", "/dev/none", "--out", "out"),
    (train, "learn", "--out", "out"),
    (train, "fit", "--out", "out"),
    (train, "export", "--out", "out"),
)

EPOCHS = (
    (hw, "learn", ".", "--port", "/dev/none", "--out", "out"),
    (train, "fit", "--out", "out"),
    (train, "export", "--out", "out"),
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    write_network(tmp_path, seed=11, images=2)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("value", ["0", "99", "-1", "many"])
def test_lanes_fail_in_the_same_words(capsys, value):
    found = {
        sentence_of(capsys, hw, command, ".", *rest, "--lanes", value) for command, *rest in LANES
    }
    (sentence,) = found
    assert sentence.startswith("--lanes: must be in 1..")
    assert sentence.endswith(f"(the widest layer) or 'full', not {value}.")


@pytest.mark.parametrize(
    ("name", "commands", "value", "sentence"),
    [
        ("--limit", LIMIT, "0", "--limit: must be at least 1, not 0."),
        ("--limit", LIMIT, "few", "--limit: must be a whole number, not few."),
        ("--seed", SEED, "-1", "--seed: must be at least 0, not -1."),
        ("--epochs", EPOCHS, "0", "--epochs: must be at least 1, not 0."),
    ],
)
def test_numbers_fail_in_the_same_words(capsys, name, commands, value, sentence):
    assert {sentence_of(capsys, main, *words, name, value) for main, *words in commands} == {
        sentence
    }


def test_boards_and_weights_fail_in_the_same_words(capsys):
    for name, commands in {
        "--board": ("check", "build", "program", "simulate", "emulate"),
        "--weights": ("check", "build", "simulate", "emulate"),
    }.items():
        board = ("--board", "icebreaker") if name == "--weights" else ()
        found = {sentence_of(capsys, hw, each, ".", *board, name, "paper") for each in commands}
        assert len(found) == 1, found


IMAGES = ((sim, "run", "."), (hw, "simulate", "."), (hw, "classify", ".", "--port", "/dev/none"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda images: images[:0], "--images: there are none in it; give at least one"),
        (lambda images: images[np.newaxis], "images: must have shape (n, "),
        (lambda images: images / 255, "images: must be uint8 intensities"),
    ],
)
def test_images_fail_in_the_same_words(capsys, change, sentence):
    np.save("x.npy", change(np.load("images.npy")))
    found = {sentence_of(capsys, main, *words, "--images", "x.npy") for main, *words in IMAGES}
    assert len(found) == 1
    assert found.pop().startswith(sentence)


def test_a_picture_fails_in_the_same_words(capsys):
    Path("x.npy").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = {sentence_of(capsys, main, *words, "--images", "x.npy") for main, *words in IMAGES}
    assert found == {
        "x.npy: is a PNG picture, not a NumPy .npy file; write one array with numpy.save."
    }


def test_several_arrays_fail_in_the_same_words(capsys):
    np.savez("several.npz", images=np.zeros(3), labels=np.zeros(3))
    found = {
        sentence_of(capsys, main, *words, "--images", "several.npz") for main, *words in IMAGES
    }
    (sentence,) = found
    assert sentence.startswith("several.npz: holds 2 arrays (images.npy, labels.npy); write one")


def test_one_image_needs_no_first_dimension(capsys):
    images = np.load("images.npy")
    np.savez("one.npz", images[0])
    for file in ("images.npy", "one.npz"):
        assert sim(["run", ".", "--images", file, "--limit", "1"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
