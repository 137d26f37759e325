"""``python -m hw learn`` against a virtual board: the same weights as ``train learn``, and what a
user meets.
"""

import json
import signal

import numpy as np
import pytest

from hw.commands.parser import main
from hw.link import teach
from hw.link.exchange import LinkError
from hw.parameters import MachineParameters
from sim.console import INTERRUPTED
from sim.data import dataset
from sim.data.idx import FILES, idx_bytes
from sim.errors import InputError
from sim.file import load, save
from sim.learning.schedule import default_rule
from sim.vectors import load_vectors
from simulated_board import virtual_board
from train.learning.in_place import LearnSettings, run
from train.learning.random_network import random_network

IMAGES = 26


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """IDX files of ten random patterns with noise, as if they were digits, and a network to start
    from.
    """
    path, rng = tmp_path_factory.mktemp("digits"), np.random.default_rng(5)
    patterns = rng.integers(0, 2, (10, 4, 4))
    for images, labels in (FILES[:2], FILES[2:]):
        marks = rng.integers(0, 10, IMAGES).astype(np.uint8)
        noisy = patterns[marks] ^ (rng.random((IMAGES, 4, 4)) < 0.1)
        (path / images).write_bytes(idx_bytes((255 * noisy).astype(np.uint8)))
        (path / labels).write_bytes(idx_bytes(marks))
    save(random_network(dataset.load("mnist", path), 6, 1), path / "network.safetensors")
    return path


@pytest.fixture(scope="module")
def port(folder):
    """A virtual board that learns, at a pseudo-terminal."""
    network = load(folder)
    with virtual_board(MachineParameters(network, 3, default_rule(network))) as found:
        yield found


@pytest.fixture
def call(folder, port, tmp_path):
    """A function that teaches the board, with other options if given."""

    def learn(*arguments):
        given = ("--port", port, "--data", folder, "--out", tmp_path, "--json", *arguments)
        return main(["learn", str(folder), *map(str, given)])

    return learn


def test_a_board_learns_what_train_learn_learns(call, capsys, folder, tmp_path):
    assert call("--epochs", 2, "--seed", 3, "--skip", "0,200", "--check") == 0
    printed, start, data = capsys.readouterr(), load(folder), dataset.load("mnist", folder)
    settings = LearnSettings(
        f"{start.digest:08x}", "mnist", default_rule(start), epochs=2, seed=3, skip=(0, 200)
    )
    state = run(settings, start, data, tmp_path / "checkpoint", lambda count: None)
    learnt, figures = load(tmp_path), json.loads(printed.out)
    assert learnt.digest == state.network.digest != start.digest
    assert "0 differences from sim" in printed.err
    for found, point in zip(figures["curve"], state.curve[1:], strict=True):
        ours = (
            found["accuracy"],
            found["updated"],
            found["skipped"],
            found["rows_per_update"],
            found["weights_per_update"],
        )
        assert ours == (point.running, point.updated, point.skipped, point.rows, point.changed)
    assert figures["seconds_on_this_board"] == pytest.approx(
        figures["images"] * figures["cycles_per_image"] / figures["clock_hz"]
    )
    assert json.loads((tmp_path / "learning.json").read_text()) == figures
    assert len(load_vectors(tmp_path / "vectors.safetensors", learnt)[0]) == 16


def test_it_goes_on_from_what_it_learnt(call, capsys, folder, tmp_path):
    assert call("--limit", 8, "--thin", 0, 0) == 0
    first = load(tmp_path)
    assert call("--limit", 8, "--thin", 0, 0, "--from", tmp_path, "--check") == 0
    assert load(tmp_path).digest not in (first.digest, load(folder).digest)


def test_what_was_learnt_until_ctrl_c_is_saved(call, capsys, monkeypatch, folder, tmp_path):
    add, pressed = teach.Tally.add, []

    def add_and_press(tally, taught, label):
        add(tally, taught, label)
        if tally.images == 5 and not pressed:
            pressed.append(tally)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(teach.Tally, "add", add_and_press)
    before = signal.getsignal(signal.SIGINT)
    status = call("--thin", 0, 0, "--check")
    printed = capsys.readouterr()
    figures = json.loads(printed.out)
    assert (status, figures["finished"], figures["images"]) == (INTERRUPTED, False, 5)
    assert "interrupted; 5 images learnt" in printed.err
    assert "0 differences from sim" in printed.err
    assert load(tmp_path).digest != load(folder).digest
    assert signal.getsignal(signal.SIGINT) is before


def test_a_difference_is_named(call, capsys, monkeypatch, tmp_path):
    class Wrong(teach.Learner):
        def __init__(self, network, rule, state):
            super().__init__(network, rule, state + 1)

    monkeypatch.setattr(teach, "Learner", Wrong)
    assert call("--thin", 100, 100, "--check") == 1
    assert "difference: lesson" in capsys.readouterr().err
    assert not (tmp_path / "network.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit", 0], "--limit: must be at least 1"),
        (["--epochs", 0], "--epochs: must be at least 1"),
        (["--thin", 3, 2], "--skip: must be two numbers"),
        (["--skip", "3"], "--skip: must be 2 whole numbers, not 1"),
        (["--seed", -1], "--seed: must be at least 0, not -1"),
        (["--dataset", "fashion-mnist"], "classes: the network decides between"),
    ],
)
def test_bad_input_is_refused(call, arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        call(*arguments)


def test_weights_of_another_network_are_refused(call, folder, tmp_path):
    save(random_network(dataset.load("mnist", folder), 7, 1), tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="--from: is not the board's network"):
        call("--from", tmp_path / "other.safetensors")


def test_a_port_without_a_board_is_refused(call):
    with pytest.raises((InputError, LinkError), match="there is no such port"):
        call("--port", "/dev/no-such-port")
