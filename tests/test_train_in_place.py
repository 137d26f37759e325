"""Learning runs: resumed equals uninterrupted, and validation images are not learnt."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sim.data.dataset import Dataset
from sim.encoders.intensity import encode
from sim.errors import InputError
from sim.file import read_tensors, write_tensors
from sim.learning.schedule import default_rule
from small_data import PATTERNS, patterns
from train.learning.change import stick_rows
from train.learning.in_place import LearnSettings, run
from train.learning.random_network import random_network


def settings(network, **others):
    return LearnSettings(
        f"{network.digest:08x}", "patterns", default_rule(network), **{"epochs": 3, **others}
    )


def learned(folder, network=None, **others):
    network = network or random_network(PATTERNS, 20, 5)
    return run(
        settings(network, **others), network, PATTERNS, folder / "checkpoint", lambda count: None
    )


def test_random_weights_learn_patterns(tmp_path):
    curve = learned(tmp_path).curve
    assert curve[0].test < 0.6
    assert curve[-1].test > 0.95
    assert [point.test for point in curve[1:-1]] == [None, None]
    assert [point.epoch for point in curve] == [0, 1, 2, 3]
    assert all(point.updated + point.skipped == 1100 for point in curve[1:])


def test_validation_images_are_not_learnt(tmp_path):
    """Images kept for validation may be anything without changing a weight."""
    other = Dataset(
        "patterns",
        PATTERNS.classes,
        PATTERNS.train_images.copy(),
        PATTERNS.train_labels,
        *patterns(300, 1),
    )
    other.train_images[other.split()[1]] = 0
    start = random_network(PATTERNS, 20, 5)
    first, second = (
        run(settings(start), start, data, tmp_path / name, lambda count: None)
        for data, name in ((PATTERNS, "a"), (other, "b"))
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

    start = random_network(PATTERNS, 20, 5)
    with pytest.raises(KeyboardInterrupt):
        run(settings(start, shift=1), start, PATTERNS, tmp_path / "checkpoint", interrupt)
    done.clear()
    resumed = run(settings(start, shift=1), start, PATTERNS, tmp_path / "checkpoint", done.append)
    assert done[0] == 1100
    assert (resumed.network.digest, resumed.generator) == (whole.network.digest, whole.generator)
    assert [replace(point, images_per_second=0) for point in resumed.curve] == [
        replace(point, images_per_second=0) for point in whole.curve
    ]


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    learned(tmp_path)
    with pytest.raises(
        InputError, match=r"checkpoint: was begun with seed 1, not 2; give another --out, or --res"
    ):
        learned(tmp_path, seed=2)
    (tmp_path / "checkpoint").write_bytes(b"half")
    with pytest.raises(InputError, match="truncated"):
        learned(tmp_path)


def test_rows_stuck_at_zero_stay_zero_and_the_others_learn(tmp_path):
    start = random_network(PATTERNS, 20, 5)
    _, rows = stick_rows(start, PATTERNS.train_images, 10)
    used = encode(start.encoder, PATTERNS.train_images).sum(
        axis=0
    )  # tick 0 or -1: the sum falls with every quiet image
    assert used[rows].min() >= np.delete(used, rows).max()
    weight = learned(tmp_path, start, stuck=10).network.layers[0].weight
    assert not weight[rows].any()
    assert (
        np.delete(weight, rows, axis=0) != np.delete(start.layers[0].weight, rows, axis=0)
    ).any()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"epochs": -1}, "--epochs"),
        ({"epochs": 10**7}, "--epochs"),
        ({"seed": 2**64}, "--seed"),
        ({"shift": 2147483648}, "--shift"),
        ({"turn": float("nan")}, "--turn"),
        ({"turn": float("inf")}, "--turn"),
        ({"limit": 0}, "--limit"),
        ({"skip": (9, 8)}, "--skip"),
        ({"skip": (0, 256)}, "--skip"),
    ],
)
def test_wrong_settings_are_named(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        settings(random_network(PATTERNS, 4, 0), **wrong)


def test_a_network_of_other_classes_is_refused(tmp_path):
    other = Dataset("others", ("a", "b", "c"), *patterns(24, 0), *patterns(24, 1))
    with pytest.raises(InputError, match=r"classes: the network decides between \('a', 'b', 'c'\)"):
        learned(tmp_path, random_network(other, 4, 0))


def test_images_are_moved_by_less_than_their_size(tmp_path):
    with pytest.raises(InputError, match="--shift: must be below the size of an image, 8, not 8"):
        learned(tmp_path, shift=8)


def test_test_images_are_looked_at_once_learning_is_over(tmp_path):
    """Whatever they are, what is learnt, kept and reported before the end is the same."""
    other = replace(PATTERNS, test_images=np.zeros_like(PATTERNS.test_images))
    start, reported = random_network(PATTERNS, 20, 5), []
    for data, name in ((PATTERNS, "a"), (other, "b")):
        run(settings(start, epochs=1), start, data, tmp_path / name, int, reported.append)
    first, second = (replace(point, images_per_second=0) for point in reported)
    assert first == second
    assert first.test is None
    assert b"test" not in (tmp_path / "a").read_bytes().replace(b'\\"test\\": null', b"")


def test_other_data_behind_the_same_checkpoint_is_refused(tmp_path):
    learned(tmp_path)
    other = replace(PATTERNS, test_images=np.zeros_like(PATTERNS.test_images))
    start = random_network(PATTERNS, 20, 5)
    sentence = f"was trained on data of digest {PATTERNS.digest}, and these have {other.digest}"
    with pytest.raises(InputError, match=sentence):
        run(settings(start), start, other, tmp_path / "checkpoint", int)


WRONG = {
    "generator": ["0", "-1", "4294967296", "1.5", "x", "9" * 5000, "[" * 100_000],
    "curve": ["", "[]", "{}", "[1]", '[{"epoch": 0}]', "[" * 100_000, "null"],
    "settings": ["", "[]", "{}", "[" * 100_000, "null", "3"],
    "data": ["", "x" * 1000],
}


@pytest.mark.parametrize(("key", "value"), [(key, each) for key in WRONG for each in WRONG[key]])
def test_damaged_metadata_is_one_sentence(tmp_path, key, value):
    learned(tmp_path, epochs=1)
    refused(tmp_path, lambda tensors, metadata: metadata.update({key: value}))


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 1},
        {"epoch": True},
        {"validation": 1.5},
        {"validation": "good"},
        {"validation": None},
        {"validation": float("nan")},
        {"test": 0.5},
        {"running": 0.5},
        {"updated": -1},
        {"skipped": 1.5},
        {"rows": float("inf")},
        {"changed": -1.0},
        {"images_per_second": "fast"},
        {"unknown": 1},
    ],
)
def test_a_curve_of_nonsense_is_one_sentence(tmp_path, change):
    learned(tmp_path, epochs=1)

    def bend(tensors, metadata):
        curve = json.loads(metadata["curve"])
        curve[0] |= change
        metadata["curve"] = json.dumps(curve)

    refused(tmp_path, bend)


@pytest.mark.parametrize(
    "weight",
    [
        np.zeros((64, 20), np.int16),
        np.zeros((64, 21), np.int8),
        np.zeros(64 * 20, np.int8),
        np.zeros((64, 20), bool),
        None,
    ],
)
def test_weights_of_another_form_are_one_sentence(tmp_path, weight):
    learned(tmp_path, epochs=1)

    def bend(tensors, metadata):
        if weight is None:
            del tensors["layers.0.weight"]
        else:
            tensors["layers.0.weight"] = weight

    refused(tmp_path, bend)


def refused(folder, bend):
    """Learn on from a checkpoint that was changed; it must be refused in one sentence."""
    tensors, metadata = read_tensors(folder / "checkpoint", "ttfs-learning", "2")
    bend(tensors, metadata)
    write_tensors(folder / "checkpoint", tensors, metadata)
    with pytest.raises(InputError) as error:
        learned(folder, epochs=1)
    assert str(error.value).startswith(f"{folder / 'checkpoint'}: ")
    assert "\n" not in str(error.value)
    assert "--restart" in str(error.value)
