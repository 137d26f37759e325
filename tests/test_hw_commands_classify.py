"""``hw classify`` as a user meets it."""

import json

import numpy as np
import pytest

from hw.commands.parser import main
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from random_networks import random_images, random_network
from sim import batch
from sim.errors import InputError
from sim.file import NETWORK_FILE, save
from simulated_board import virtual_board

SEED = 7  # the virtual board of tests/test_hw_link_client.py, compiled once for both


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("network")
    save(random_network(SEED), path / NETWORK_FILE)
    np.save(path / "images.npy", random_images(random_network(SEED), 30, SEED))
    return path


@pytest.fixture(scope="module")
def port():
    """A virtual board at a pseudo-terminal."""
    machine = MachineParameters(random_network(SEED), 1).with_placement(0, SPRAM)
    with virtual_board(machine) as found:
        yield found


@pytest.fixture
def classify(folder, port):
    """A function that lets the board classify the images, or what other options say."""

    def call(*options, network=folder):
        given = ("--port", port, "--images", folder / "images.npy", *options)
        return main(["classify", str(network), *map(str, given)])

    return call


def test_classify_prints_sims_decisions(classify, capsys, folder):
    assert classify("--check", "--limit", 20) == 0
    printed = capsys.readouterr()
    found = [json.loads(line) for line in printed.out.splitlines()]
    expected = batch.run(random_network(SEED), np.load(folder / "images.npy")[:20])
    assert [answer["decision"] for answer in found] == expected.decision.tolist()
    assert "20 answers, 0 differences" in printed.err
    assert classify("--limit", 1) == 0, "the weights are loaded already"


def test_labels_of_a_file_give_the_accuracy(classify, capsys, folder, tmp_path):
    expected = batch.run(random_network(SEED), np.load(folder / "images.npy"))
    np.save(tmp_path / "labels.npy", expected.decision)
    assert classify("--labels", tmp_path / "labels.npy") == 0
    assert "accuracy 100.00%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit", "0"], "--limit: must be at least 1"),
        (["--baud", "0"], "--baud: must be at least 1"),
        (["--port", "/dev/no-such-port"], "there is no such port"),
    ],
)
def test_classify_refuses_bad_input(classify, arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        classify(*arguments)


def test_classify_refuses_the_board_of_another_network(classify, tmp_path):
    other = random_network(SEED + 1)
    save(other, tmp_path / NETWORK_FILE)
    np.save(tmp_path / "images.npy", random_images(other, 1, SEED))
    with pytest.raises(InputError, match=f"runs network {random_network(SEED).digest:08x}"):
        classify("--images", tmp_path / "images.npy", network=tmp_path)
