"""``sim encode`` as a user meets it."""

import json

import numpy as np
import pytest

from command_lines import sentence_of
from sim.commands.parser import main
from sim.data import dataset
from sim.data.encodings import Settings, encode
from sim.data.event_file import read_events


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(2)
    np.save(tmp_path / "images.npy", random.integers(0, 256, (5, 2, 3), dtype=np.uint8))
    np.save(tmp_path / "labels.npy", np.array([3, 1, 0, 2, 1]))
    np.save(tmp_path / "series.npy", random.uniform(0, 1, (4, 9, 2)).astype(np.float32))
    return tmp_path


def same(one, other):
    names = ("tick", "input", "start", "label")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all((a is None and b is None) or np.array_equal(a, b, equal_nan=False) for a, b in pairs)


def test_images_of_a_file_with_their_labels(folder, capsys):
    words = ("encode", folder / "images.npy", "--encoding", "latency", "--ticks", "30")
    words += ("--labels", folder / "labels.npy", "--limit", "3", "--out", folder / "e.npz")
    assert main([str(word) for word in (*words, "--tau", "7", "--theta", "0.1")]) == 0
    assert "3 samples" in capsys.readouterr().out

    images, labels = np.load(folder / "images.npy"), np.load(folder / "labels.npy")
    wanted = encode("latency", images[:3], Settings(ticks=30, tau=7, theta=0.1), labels[:3])
    assert same(read_events(folder / "e.npz"), wanted.events)


def test_a_series_and_what_a_network_needs_as_json(folder, capsys):
    words = ("encode", folder / "series.npy", "--encoding", "delta", "--step", "0.25")
    assert main([str(word) for word in (*words, "--out", folder / "e.npz", "--json")]) == 0
    wanted = encode("delta", np.load(folder / "series.npy"), Settings(step=0.25)).events
    assert same(read_events(folder / "e.npz"), wanted)
    assert json.loads(capsys.readouterr().out) == {
        "samples": 4,
        "events": len(wanted.tick),
        "events_per_sample": len(wanted.tick) / 4,
        "inputs": 4,
        "last_tick": 8,
        "labels": False,
    }


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_part_of_a_data_set_is_drawn_by_the_seed(folder, part, capsys):
    words = ("encode", "yin-yang", "--encoding", "rate", "--rate", "0.5", "--seed", "9")
    words += ("--part", part, "--limit", "4", "--ticks", "20", "--out", folder / "e.npz")
    assert main([str(word) for word in words]) == 0
    data = dataset.load("yin-yang")
    images, labels = getattr(data, f"{part}_images")[:4], getattr(data, f"{part}_labels")[:4]
    wanted = encode("rate", images, Settings(ticks=20, rate=0.5, seed=9), labels)
    assert same(read_events(folder / "e.npz"), wanted.events)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("images.npy", "--encoding", "phase"), "--encoding: must be one of latency, rate"),
        (("nothing.npy", "--encoding", "rate"), "no such file"),
        (("images.npy", "--encoding", "rate", "--rate", "2"), "rate: must be above 0"),
        (("images.npy", "--encoding", "rate", "--part", "train"), "--part: belongs to a data set"),
        (("series.npy", "--encoding", "latency"), "latency: is a code of images"),
        (("yin-yang", "--encoding", "rate", "--labels", "l.npy"), "--labels: belong to"),
        (("images.npy", "--encoding", "rate", "--labels", "series.npy"), "labels: must be 5"),
    ],
)
def test_bad_input_is_one_sentence(folder, capsys, monkeypatch, words, sentence):
    monkeypatch.chdir(folder)
    assert sentence in sentence_of(capsys, main, "encode", *words, "--out", "e.npz")
    assert not (folder / "e.npz").exists()
