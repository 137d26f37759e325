"""A checkpoint that is not the run's own is refused in one sentence, whatever is wrong with it."""

import copy
import json
import math
from dataclasses import replace

import pytest
import torch

from sim.errors import InputError
from small_data import yin_yang
from small_training import YIN_YANG
from small_windows import CONVOLUTION, SMALL_WINDOWS
from train.checkpoint import read_checkpoint, write_checkpoint
from train.data import split
from train.fit import Training
from train.window.fit import WindowTraining

FEW = split(yin_yang(240))
RUNS = {
    "first-spike": lambda: Training(FEW, replace(YIN_YANG, hidden=(5,), epochs=2)),
    "window": lambda: WindowTraining(SMALL_WINDOWS, replace(CONVOLUTION, epochs=2)),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A checkpoint of each kind, after one epoch: its path and what is in it."""
    found = {}
    for name, make in RUNS.items():
        path = tmp_path_factory.mktemp(name) / "training.checkpoint"
        training = make()
        training.run_epoch()
        training.save(path)
        found[name] = path, read_checkpoint(path)
    return found


def leaves(value, path=()):
    """Every place in a checkpoint, as the keys that lead to it."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list | tuple):
        items = enumerate(value)
    for key, each in items:
        yield from leaves(each, (*path, key))


def changed(value, path, new):
    """A copy of a checkpoint with one place changed."""
    if not path:
        return new
    first, *rest = path
    if isinstance(value, tuple):
        return (*value[:first], changed(value[first], rest, new), *value[first + 1 :])
    copied = copy.copy(value)
    copied[first] = changed(value[first], rest, new)
    return copied


def at(value, path):
    for key in path:
        value = value[key]
    return value


def others(value):
    """Values that must not stand in the place of one."""
    yield from (None, {"a": 1}, [[]], "text", b"bytes", -(2**70))
    if isinstance(value, torch.Tensor):
        yield value.to(torch.complex64 if value.dtype != torch.complex64 else torch.float32)
        yield torch.zeros((*value.shape, 2), dtype=value.dtype)
        yield value.to_sparse() if value.dim() else torch.zeros(3)
        if value.is_floating_point():
            yield torch.full_like(value, math.nan)
    if isinstance(value, float):
        yield from (math.nan, math.inf, 1)
    if isinstance(value, list | tuple):
        yield [*value, *value, 0]
    if isinstance(value, dict):
        yield value | {"unknown": 0}
        yield from ({key: value[key] for key in value if key != gone} for gone in value)


FREE = {"lr", "history"}
"""What a run sets itself before it is used, and what has tests of its own."""


@pytest.mark.parametrize("kind", RUNS)
def test_no_place_of_a_checkpoint_takes_another_value(written, kind, tmp_path):
    path, good = written[kind]
    fresh = RUNS[kind]()
    tried, accepted = 0, []
    for place in leaves(good):
        if FREE & set(place):
            continue
        for new in others(at(good, place)):
            if new is at(good, place):
                continue
            bad = changed(good, place, new)
            write_checkpoint(bad, tmp_path / "bad")
            tried += 1
            try:
                fresh.restore(tmp_path / "bad")
            except InputError as error:
                sentence = str(error)
                assert sentence.startswith(f"{tmp_path / 'bad'}: ") or "settings" in sentence
                assert len(sentence) < 400, sentence
                assert "\n" not in sentence
            else:
                accepted.append((place, new))
    assert not accepted
    assert tried > 150
    fresh.restore(path)
    assert fresh.epoch == 1


SETTINGS = {
    "no text": 3,
    "nested": "[" * 100_000,
    "a huge number": "9" * 5000,
    "a list": "[]",
    "nothing": "{}",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_are_none_are_one_sentence(written, tmp_path, name):
    _, good = written["first-spike"]
    write_checkpoint(good | {"settings": SETTINGS[name]}, tmp_path / "bad")
    with pytest.raises(InputError, match="settings"):
        RUNS["first-spike"]().restore(tmp_path / "bad")


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize("value", [None, "x", [1, "x"], {}, 2.5, True, 2**70, 1e300])
def test_settings_of_another_type_are_one_sentence(written, tmp_path, kind, value):
    _, good = written[kind]
    values, fresh = json.loads(good["settings"]), RUNS[kind]()
    for key in values:
        write_checkpoint(good | {"settings": json.dumps(values | {key: value})}, tmp_path / "bad")
        with pytest.raises(InputError) as error:
            fresh.restore(tmp_path / "bad")
        assert "\n" not in str(error.value), key
        assert len(str(error.value)) < 300


def test_data_that_changed_is_named_with_both_digests(tmp_path):
    recipe = replace(YIN_YANG, hidden=(5,), epochs=2)
    other = split(yin_yang(240, seed=1))
    path = tmp_path / "training.checkpoint"
    Training(FEW, recipe).save(path)
    assert FEW.digest != other.digest
    sentence = f"was trained on data of digest {FEW.digest}, and these have {other.digest}; "
    with pytest.raises(InputError, match=f"{sentence}give the same --data, another --out, or --re"):
        Training(other, recipe).restore(path)


def test_pruned_inputs_are_those_that_can_have_been_kept(tmp_path):
    recipe = replace(YIN_YANG, hidden=(5,), epochs=2, inputs=2)
    training = Training(FEW, recipe)
    while training.epoch < 2:
        training.run_epoch()
    path = tmp_path / "training.checkpoint"
    training.save(path)
    good = read_checkpoint(path)
    again = Training(FEW, recipe)
    again.restore(path)
    assert again.network.encoder.pixels.tolist() == good["pixels"].tolist()

    for pixels in ([1, 0], [0, 0], [0, 4], [-1, 0], [0], [0, 1, 2], []):
        bad = good | {"pixels": torch.tensor(pixels, dtype=torch.int32)}
        write_checkpoint(bad, path)
        with pytest.raises(InputError, match="pixels are not inputs of this network"):
            Training(FEW, recipe).restore(path)


@pytest.mark.parametrize(
    "row",
    [
        {"epoch": 2},
        {"loss": math.nan},
        {"loss": "low"},
        {"accuracy": 1.5},
        {"timeouts": 2.0},
        {3: 0.0},
    ],
)
def test_a_history_of_nonsense_is_refused(written, tmp_path, row):
    _, good = written["first-spike"]
    bad = good | {"history": [good["history"][0] | row]}
    write_checkpoint(bad, tmp_path / "bad")
    with pytest.raises(InputError, match="history is not that of a training run"):
        RUNS["first-spike"]().restore(tmp_path / "bad")


def test_a_longer_history_than_the_run_is_refused(written, tmp_path):
    _, good = written["first-spike"]
    rows = [good["history"][0] | {"epoch": number} for number in (1, 2, 3)]
    write_checkpoint(good | {"history": rows}, tmp_path / "bad")
    with pytest.raises(InputError, match="history is not that of a training run"):
        RUNS["first-spike"]().restore(tmp_path / "bad")
