"""Learning runs: resumed equals uninterrupted, changes are what they say, and the files are
everyone's.
"""

import argparse
import json

import numpy as np
import pytest

from sim import batch
from sim.data import dataset
from sim.data.dataset import FILES, Dataset, idx_bytes
from sim.encoders.intensity import encode
from sim.errors import InputError
from sim.file import load
from sim.learning.schedule import default_rule, skipping
from sim.trace import load_vectors
from train.commands import learn as learn_command
from train.learning.change import shift, stick_rows, turn
from train.learning.in_place import LearnSettings, run
from train.learning.random_network import random_network


def patterns(count, seed):
    """Draw three kinds of 8 x 8 images: a bright third, with a fifth of all pixels flipped."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count).astype(np.uint8)
    bright = np.arange(8)[:, np.newaxis] * 3 // 8 == labels[:, np.newaxis, np.newaxis]
    flipped = rng.random((count, 8, 8)) < 0.2
    return np.where((bright | np.zeros(8, bool)) ^ flipped, 255, 0).astype(np.uint8), labels


DATA = Dataset("patterns", ("top", "middle", "bottom"), *patterns(1200, 0), *patterns(300, 1))


def settings(network, **others):
    return LearnSettings(
        f"{network.digest:08x}", "patterns", default_rule(network), **{"epochs": 3, **others}
    )


def learned(folder, network=None, **others):
    network = network or random_network(DATA, 20, 5)
    return run(
        settings(network, **others), network, DATA, folder / "checkpoint", lambda count: None
    )


def test_random_weights_learn_patterns(tmp_path):
    curve = learned(tmp_path).curve
    assert curve[0].test < 0.6
    assert curve[-1].test > 0.95
    assert [point.epoch for point in curve] == [0, 1, 2, 3]
    assert all(point.updated + point.skipped == 1100 for point in curve[1:])


def test_validation_images_are_not_learnt(tmp_path):
    """Images kept for validation may be anything without changing a weight."""
    other = Dataset(
        "patterns", DATA.classes, DATA.train_images.copy(), DATA.train_labels, *patterns(300, 1)
    )
    other.train_images[other.split()[1]] = 0
    start = random_network(DATA, 20, 5)
    first, second = (
        run(settings(start), start, data, tmp_path / name, lambda count: None)
        for data, name in ((DATA, "a"), (other, "b"))
    )
    assert first.network.digest == second.network.digest
    assert first.curve[-1].validation != second.curve[-1].validation


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    whole = learned(tmp_path / "whole", shift=1)
    done = []

    def interrupt(count):
        done.append(count)
        if sum(done) > 1100:  # in the second epoch
            raise KeyboardInterrupt

    start = random_network(DATA, 20, 5)
    with pytest.raises(KeyboardInterrupt):
        run(settings(start, shift=1), start, DATA, tmp_path / "checkpoint", interrupt)
    told = []
    resumed = run(settings(start, shift=1), start, DATA, tmp_path / "checkpoint", told.append)
    assert told[0] == 1100
    assert (resumed.network.digest, resumed.generator) == (whole.network.digest, whole.generator)
    assert [point.test for point in resumed.curve] == [point.test for point in whole.curve]


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    learned(tmp_path)
    with pytest.raises(
        InputError, match=r"checkpoint: was begun with seed 1, not 2; delete it first"
    ):
        learned(tmp_path, seed=2)
    (tmp_path / "checkpoint").write_bytes(b"half")
    with pytest.raises(InputError, match="truncated"):
        learned(tmp_path)


def test_rows_stuck_at_zero_stay_zero_and_the_others_learn(tmp_path):
    start = random_network(DATA, 20, 5)
    _, rows = stick_rows(start, DATA.train_images, 10)
    used = encode(start.encoder, DATA.train_images).sum(
        axis=0
    )  # tick 0 or -1: the sum falls with every quiet image
    assert used[rows].min() >= np.delete(used, rows).max()
    weight = learned(tmp_path, start, stuck=10).network.layers[0].weight
    assert not weight[rows].any()
    assert (
        np.delete(weight, rows, axis=0) != np.delete(start.layers[0].weight, rows, axis=0)
    ).any()


def test_shifts_move_whole_images_by_every_distance():
    image = np.zeros((400, 5, 5), np.uint8)
    image[:, 2, 2] = 9
    moved = shift(image, 2, np.random.default_rng(0))
    assert (moved.sum(axis=(1, 2)) == 9).all()
    assert len({tuple(np.argwhere(picture)[0]) for picture in moved}) == 25
    assert not shift(np.full((50, 3, 3), 7, np.uint8), 2, np.random.default_rng(0)).all()


def test_turns_are_anticlockwise_and_exact_at_right_angles():
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6)).astype(np.uint8)
    assert (turn(images, 90) == np.rot90(images, axes=(1, 2))).all()
    assert (turn(images, 180) == images[:, ::-1, ::-1]).all()
    assert turn(images, 0) is images


def test_thinning_grows_in_a_line_from_first_to_last():
    run_settings = settings(random_network(DATA, 4, 0), epochs=4, skip=(0, 230))
    values = np.concatenate(
        [skipping(run_settings.skip, epoch, run_settings.epochs, 100) for epoch in (1, 2, 3, 4)]
    )
    assert (values[0], values[-1], len(values)) == (0, 230, 400)
    assert set(np.diff(values)) == {0, 1}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"epochs": -1}, "--epochs"),
        ({"limit": 0}, "--limit"),
        ({"skip": (9, 8)}, "--skip"),
        ({"skip": (0, 256)}, "--skip"),
    ],
)
def test_wrong_settings_are_named(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        settings(random_network(DATA, 4, 0), **wrong)


def test_a_network_of_other_classes_is_refused(tmp_path):
    other = Dataset("others", ("a", "b", "c"), *patterns(24, 0), *patterns(24, 1))
    with pytest.raises(InputError, match=r"classes: the network decides between \('a', 'b', 'c'\)"):
        learned(tmp_path, random_network(other, 4, 0))


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that runs ``train learn`` on the patterns, written as IDX files."""
    arrays = (DATA.train_images, DATA.train_labels, DATA.test_images, DATA.test_labels)
    for name, array in zip(FILES, arrays, strict=True):
        (tmp_path / name).write_bytes(idx_bytes(array))
    monkeypatch.setattr(dataset, "CLASSES", {"patterns": DATA.classes})

    def start(*arguments):
        parser = argparse.ArgumentParser()
        learn_command.add_arguments(parser)
        options = [
            "--dataset",
            "patterns",
            "--data",
            str(tmp_path),
            "--hidden",
            "20",
            *map(str, arguments),
        ]
        return learn_command.command(parser.parse_args(options))

    return start


def test_the_command_writes_what_every_other_command_takes(command, tmp_path, capsys):
    assert command("--out", tmp_path / "a", "--epochs", 2, "--json", "-") == 0
    figures = json.loads(capsys.readouterr().out)
    network = load(tmp_path / "a")
    images, traces = load_vectors(tmp_path / "a" / "vectors.safetensors", network)
    decisions = batch.run(network, DATA.test_images)
    assert [trace.decision for trace in traces] == decisions.decision[: len(images)].tolist()
    assert figures["test"] == (decisions.decision == DATA.test_labels).mean()
    assert figures["digest"] == f"{network.digest:08x}"
    assert 0 < figures["weights_per_update"] <= network.weight_count
    assert figures == json.loads((tmp_path / "a" / "learning.json").read_text())
    assert (tmp_path / "a" / "learning.svg").read_text().startswith("<?xml")


def test_the_command_adapts_an_exported_network_to_a_change(command, tmp_path, capsys):
    command("--out", tmp_path / "a", "--epochs", 3)
    assert "images/s" in capsys.readouterr().out
    command(
        "--from",
        tmp_path / "a",
        "--out",
        tmp_path / "b",
        "--turn",
        180,
        "--epochs",
        3,
        "--json",
        "-",
    )
    figures = json.loads(capsys.readouterr().out)
    assert figures["settings"]["network"] == f"{load(tmp_path / 'a').digest:08x}"
    assert figures["curve"][0]["test"] < 0.6
    assert figures["test"] > 0.9


def test_levels_of_brightness_spike_a_quarter_unit_apart():
    network = random_network(DATA, 4, 0, (180, 100, 30))
    assert network.encoder.spike_tick[[0, 30, 31, 100, 101, 180, 181, 255]].tolist() == [
        -1,
        -1,
        8,
        8,
        4,
        4,
        0,
        0,
    ]


@pytest.mark.parametrize(
    ("option", "values", "sentence"),
    [
        ("--hidden", [0], "--hidden: must be at least 1"),
        ("--bright", [100, 180], "--bright: must be descending"),
        ("--bright", [255], "--bright: must be descending"),
        ("--noise-bits", [9], "noise_bits 9"),
        ("--stuck", [64], r"--stuck: must be in 0..63"),
    ],
)
def test_wrong_options_are_named(command, tmp_path, option, values, sentence):
    with pytest.raises(InputError, match=sentence):
        command("--out", tmp_path / "a", option, *values)
