"""``train learn`` as a user meets it."""

import json

import pytest

from sim import batch
from sim.data import dataset
from sim.data.dataset import Source
from sim.errors import InputError
from sim.file import load
from sim.vectors import load_vectors
from small_data import PATTERNS
from train.commands.parser import main


@pytest.fixture
def command(monkeypatch):
    """Return a function that runs ``train learn`` on the patterns."""
    source = Source(PATTERNS.classes, lambda folder: PATTERNS.arrays)
    monkeypatch.setattr(dataset, "SOURCES", {"patterns": source})

    def start(*arguments):
        options = ("--dataset", "patterns", "--hidden", "20", *map(str, arguments))
        return main(["learn", *options])

    return start


def test_the_command_writes_what_every_other_command_takes(command, tmp_path, capsys):
    assert command("--out", tmp_path / "a", "--epochs", 2, "--json", "-") == 0
    figures = json.loads(capsys.readouterr().out)
    network = load(tmp_path / "a")
    images, traces = load_vectors(tmp_path / "a" / "vectors.safetensors", network)
    decisions = batch.run(network, PATTERNS.test_images)
    assert [trace.decision for trace in traces] == decisions.decision[: len(images)].tolist()
    assert figures["test"] == (decisions.decision == PATTERNS.test_labels).mean()
    assert figures["digest"] == f"{network.digest:08x}"
    assert 0 < figures["weights_per_update"] <= network.weight_count
    assert figures == json.loads((tmp_path / "a" / "learning.json").read_text())
    assert (tmp_path / "a" / "learning.svg").read_text().startswith("<?xml")


def test_the_command_adapts_an_exported_network_to_a_change(command, tmp_path, capsys):
    command("--out", tmp_path / "a", "--epochs", 3)
    assert "images/s" in capsys.readouterr().out
    options = ("--turn", 180, "--epochs", 3)
    command("--from", tmp_path / "a", "--out", tmp_path / "b", *options, "--json")
    figures = json.loads(capsys.readouterr().out)
    assert figures["settings"]["network"] == f"{load(tmp_path / 'a').digest:08x}"
    assert figures["curve"][0]["test"] < 0.6
    assert figures["test"] > 0.9


@pytest.mark.parametrize("skip", [("--skip", "0,200"), ("--thin", "0", "200")])
def test_rows_that_are_skipped_are_given_by_either_name(command, tmp_path, capsys, skip):
    command("--out", tmp_path / "a", "--epochs", 0, "--json", *skip)
    assert json.loads(capsys.readouterr().out)["settings"]["thin"] == [0, 200]


@pytest.mark.parametrize(
    ("option", "values", "sentence"),
    [
        ("--hidden", [0], "--hidden: must be in 1..65536"),
        ("--hidden", [5, 5], "--hidden: what learns in place has one hidden layer, not 2"),
        ("--epochs", [-1], "--epochs: must be at least 0, not -1"),
        ("--limit", [0], "--limit: must be at least 1, not 0"),
        ("--skip", ["9,8"], "--skip: must be two numbers in 0..255, the first not above"),
        ("--thin", [9], "--thin: must be 2 whole numbers, not 1"),
        ("--bright", [100, 180], "--bright: must be descending"),
        ("--bright", [255], "--bright: must be descending"),
        ("--noise-bits", [9], "noise_bits 9"),
        ("--turn", ["nan"], "--turn: must be in -360..360, not nan"),
        ("--turn", ["1e99"], "--turn: must be in -360..360"),
        ("--shift", [2147483648], r"--shift: must be in 0..32,768, not 2147483648"),
        ("--shift", [8], "--shift: must be below the size of an image, 8, not 8"),
        ("--seed", [2**64], "--seed: must be in 0.."),
        ("--hidden", [2147483648], "--hidden: must be in 1..65536"),
        ("--margin", [2147483648], "rule: margin 2147483648"),
        ("--margin", [-1], "rule: margin -1"),
        ("--reach", [2**40], "rule: .*reach 1099511627776"),
        ("--stuck", [64], r"--stuck: must be in 0..63"),
    ],
)
def test_wrong_options_are_named(command, tmp_path, option, values, sentence):
    with pytest.raises(InputError, match=sentence):
        command("--out", tmp_path / "a", option, *values)


def test_epochs_are_lines_and_test_images_wait_for_the_end(command, tmp_path, capsys):
    command("--out", tmp_path / "[" / "x]", "--epochs", 2)
    found = capsys.readouterr()
    lines = found.err.splitlines()
    assert [line[:24] for line in lines[:2]] == [
        "epoch 1 of 2: validation",
        "epoch 2 of 2: validation",
    ]
    assert lines[2] == f"network: {tmp_path / '[' / 'x]' / 'network.safetensors'}"
    rows = [line.split() for line in found.out.splitlines() if "│" in line]
    assert len(rows) == 3


def test_restart_begins_anew(command, tmp_path):
    command("--out", tmp_path, "--epochs", 1)
    with pytest.raises(InputError, match=r"with network '\w+', not '\w+'; give another --out, or"):
        command("--out", tmp_path, "--epochs", 1, "--seed", 2)
    assert command("--out", tmp_path, "--epochs", 1, "--seed", 2, "--restart") == 0
