"""``train fit`` as a user meets it."""

import json

import numpy as np
import pytest
import torch

from command_lines import sentence_of
from sim.data.idx import FILES, idx_bytes
from sim.errors import InputError
from small_data import CODE, RECIPE
from train.checkpoint import CHECKPOINT_FILE
from train.commands import fit
from train.commands.options import saved_settings
from train.commands.parser import main


def train(*arguments):
    return main(list(map(str, arguments)))


def test_tensorboard_logs_every_epoch(tmp_path):
    train("fit", "--out", tmp_path, *RECIPE, *CODE, "--tensorboard")
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_damaged_data_is_named(tmp_path):
    for name in FILES:
        (tmp_path / name).write_bytes(
            idx_bytes(np.zeros((3, 28, 28) if "images" in name else 3, np.uint8))[:-1]
        )
    with pytest.raises(InputError, match="fetch it again"):
        train("fit", "--dataset", "fashion-mnist", "--data", tmp_path, "--out", tmp_path / "out")


def write_data(folder, train, test, size=28):
    """Write a data set of black images, of class 0."""
    arrays = (np.zeros((train, size, size)), np.zeros(train))
    arrays += (np.zeros((test, size, size)), np.zeros(test))
    folder.mkdir(exist_ok=True)
    for name, array in zip(FILES, arrays, strict=True):
        (folder / name).write_bytes(idx_bytes(array.astype(np.uint8)))
    return folder


@pytest.mark.parametrize(
    ("train_images", "test_images", "size", "sentence"),
    [
        (0, 5, 28, "has 0 training images, of which one in 12 is kept for validation; give 12 or"),
        (11, 5, 28, "has 11 training images, of which one in 12 is kept"),
        (12, 0, 28, "has no test images; give one or more"),
        (12, 5, 0, "has training images of (0, 0) pixels and test images of (0, 0); give images"),
    ],
)
def test_an_empty_part_is_one_sentence(tmp_path, capsys, train_images, test_images, size, sentence):
    data = write_data(tmp_path / "data", train_images, test_images, size)
    options = ("--dataset", "fashion-mnist", "--data", data, "--out", tmp_path)
    for command in ("fit", "learn"):
        found = sentence_of(capsys, main, command, *options)
        assert found.startswith("data set 'fashion-mnist': ")
        assert sentence in found


def test_a_few_images_are_enough_to_run(tmp_path, capsys):
    data = write_data(tmp_path / "data", 12, 1)
    options = ("--dataset", "fashion-mnist", "--data", data, "--hidden", "4", "--epochs", "2")
    assert train("fit", *options, "--out", tmp_path / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out)["epoch"] == 2


def test_every_epoch_is_a_line_where_there_is_no_terminal(tmp_path, capsys):
    train("fit", "--out", tmp_path, *RECIPE, *CODE, "--epochs", "2", "--json")
    first, second = capsys.readouterr().err.splitlines()[:2]
    assert first.startswith("epoch 1 of 2: loss ")
    assert second.startswith("epoch 2 of 2: loss ")
    assert "validation" in first
    assert "reads" in first


def test_late_decisions_are_a_warning(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fit, "MOST_LATE", 1.0)
    train("fit", "--out", tmp_path / "a", *RECIPE, *CODE)
    assert "warning" not in capsys.readouterr().err
    monkeypatch.undo()
    train("fit", "--out", tmp_path / "b", *RECIPE, *CODE)
    assert "warning: 100.0% of the validation images are decided late" in capsys.readouterr().err


def test_restart_begins_anew_with_other_settings(tmp_path, capsys):
    train("fit", "--out", tmp_path, *RECIPE, *CODE)
    sentence = sentence_of(capsys, main, "fit", "--out", tmp_path, "--seed", 5)
    assert "was trained with seed = 1, not 5; give the same settings, another --out, or" in sentence
    train("fit", "--out", tmp_path, *RECIPE, *CODE, "--seed", 5, "--restart")
    assert saved_settings(tmp_path / CHECKPOINT_FILE).seed == 5


def test_other_data_behind_the_same_folder_is_refused(tmp_path, capsys):
    """Smaller images once ended in a traceback."""
    options = ("fit", "--dataset", "fashion-mnist", "--hidden", "3", "--epochs", "1")
    folder = ("--data", write_data(tmp_path / "data", 12, 1), "--out", tmp_path / "out")
    train(*options, *folder)
    write_data(tmp_path / "data", 12, 1, size=20)
    assert "was trained on data of digest" in sentence_of(capsys, main, *options, *folder)
    train(*options, *folder, "--restart")


def test_one_thread_computes_unless_more_are_asked_for(tmp_path):
    before = torch.get_num_threads()
    try:
        train("fit", "--out", tmp_path, *RECIPE, *CODE, "--threads", "2")
        assert torch.get_num_threads() == 2
        train("evaluate", "--out", tmp_path)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


BAD = [
    ("--late-cost", "inf"),
    ("--late-cost", "1e99"),
    ("--late-cost", "nan"),
    ("--margin", "inf"),
    ("--margin", "-1"),
    ("--learning-rate", "1e30"),
    ("--seed", "18446744073709551616"),
    ("--seed", "-1"),
    ("--hidden", "2147483648"),
    ("--hidden", "65536,65536"),
    ("--epochs", "9999999999"),
    ("--last-tick", "32768"),
    ("--ticks-per-unit", "2147483648"),
    ("--spikes", "256"),
    ("--kernel", "2147483648"),
    ("--batch", "2147483648"),
    ("--threads", "0"),
    ("--bright", "300"),
]


@pytest.mark.parametrize(("option", "value"), BAD)
def test_options_out_of_range_are_one_sentence(tmp_path, capsys, option, value):
    extra = ("--maps", "3") if option == "--kernel" else ()
    found = sentence_of(capsys, main, "fit", "--out", tmp_path, option, value, *extra)
    assert found.startswith(option)


def test_names_of_folders_are_no_markup(tmp_path, capsys):
    out = tmp_path / "[" / "x]"
    train("export", "--out", out, *RECIPE, *CODE)
    train("evaluate", "--out", out)
    assert "accuracy" in capsys.readouterr().out
