"""The command line end to end: files that sim reads and agrees with, and one sentence for every bad
input.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sim import batch
from sim.data.dataset import FILES, idx_bytes
from sim.errors import InputError
from sim.file import load
from sim.vectors import load_vectors
from train.commands.parser import _parser, main
from train.data import split, yin_yang
from train.export import check, decide_all, export
from train.fit import CHECKPOINT_FILE, Training
from train.pipeline import Outcome
from train.settings import PRESETS, Settings

RECIPE = [
    "--dataset",
    "yin-yang",
    "--hidden",
    "20",
    "--epochs",
    "1",
    "--warp",
    "0",
    "--batch",
    "64",
]
CODE = ["--bright", "192", "128", "64", "--bright-ticks", "0", "1", "2", "--dark-tick", "3"]


def train(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
    return main()


def test_export_writes_what_sim_reads(tmp_path, monkeypatch, capsys):
    assert (
        train(
            monkeypatch,
            "export",
            "--out",
            tmp_path,
            *RECIPE,
            *CODE,
            "--bits",
            "8",
            "4",
            "--json",
            "-",
        )
        == 0
    )
    figures = json.loads(capsys.readouterr().out)
    network = load(tmp_path)
    images, traces = load_vectors(tmp_path / "vectors.safetensors", network)
    data = yin_yang()
    np.testing.assert_array_equal(images, data.test_images[: len(images)])
    decisions = batch.run(network, data.test_images)
    assert [trace.to_json() for trace in traces] == [
        decisions.to_json(index) for index in range(len(traces))
    ]
    assert figures["accuracy"] == (decisions.decision == data.test_labels).mean()
    assert figures["accuracy"] == network.provenance["accuracy"]
    assert [layer.weight_bits for layer in network.layers] == [8, 4]
    assert figures["sizes"] == [4, 20 - figures["dead_neurons_removed"][0], 3]


def test_export_again_uses_the_checkpoint_and_its_settings(tmp_path, monkeypatch, capsys):
    train(monkeypatch, "fit", "--out", tmp_path, *RECIPE, *CODE)
    stamp = (tmp_path / CHECKPOINT_FILE).stat().st_mtime_ns
    train(monkeypatch, "export", "--out", tmp_path)
    first = load(tmp_path).digest
    train(monkeypatch, "export", "--out", tmp_path)
    assert load(tmp_path).digest == first
    assert (tmp_path / CHECKPOINT_FILE).stat().st_mtime_ns == stamp
    capsys.readouterr()
    train(monkeypatch, "evaluate", "--out", tmp_path, "--json", "-")
    figures = json.loads(capsys.readouterr().out)
    data = yin_yang()
    decisions = batch.run(load(tmp_path), data.test_images)
    assert figures["test"]["accuracy"] == (decisions.decision == data.test_labels).mean()


def test_tensorboard_logs_every_epoch(tmp_path, monkeypatch):
    train(monkeypatch, "fit", "--out", tmp_path, *RECIPE, *CODE, "--tensorboard")
    assert list((tmp_path / "tensorboard").glob("events.*"))


BAD = {
    "bits": (["--bits", "9"], "--bits: 9 is not possible; give 2 to 8, one or per layer."),
    "bits per layer": (
        ["--bits", "8", "8", "8"],
        "--bits: give one number, or 2 (per layer), not 3.",
    ),
    "real weights": (
        ["--bits"],
        "--bits: a network of real weights has no integer form; train with --bits 8.",
    ),
    "data set": (["--dataset", "cifar"], "data set 'cifar' is unknown"),
    "epochs": (["--epochs", "0"], "--epochs: must be above 0, not 0."),
    "hidden": (["--hidden", "0"], "--hidden: every layer needs at least one neuron."),
    "noise": (["--input-noise", "1.5"], "--input-noise: must be at least 0 and below 1, not 1.5."),
    "warp": (["--warp", "-1"], "--warp: must not be negative, and is -1.0."),
    "code": (["--bright", "50", "90", "--bright-ticks", "0", "1"], "--bright: must be descending"),
    "code length": (
        ["--bright", "90", "50"],
        "--bright and --bright-ticks: give as many ticks as thresholds",
    ),
    "code tick": (["--bright-ticks", "99"], "--bright-ticks: must be in 0..24 (--last-tick)."),
    "dark": (["--dark-tick", "-2"], "--dark-tick: must be in -1..24 (--last-tick)."),
    "faint": (["--faint", "256"], "--faint: must be in 0..255, not 256."),
    "pool": (["--pool", "3"], "--pool: must be 1 or 2, not 3."),
}


@pytest.mark.parametrize(("arguments", "sentence"), BAD.values(), ids=BAD)
def test_bad_options_are_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    with pytest.raises(InputError) as error:
        train(monkeypatch, "export", "--out", tmp_path, *arguments)
    assert str(error.value).startswith(sentence)
    assert list(tmp_path.iterdir()) == []


def test_bad_input_exits_with_2_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "train", "export", "--out", str(tmp_path), "--bits", "9"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent
    )
    assert done.returncode == 2
    assert done.stderr == "error: --bits: 9 is not possible; give 2 to 8, one or per layer.\n"


def test_damaged_data_is_named(tmp_path, monkeypatch):
    for name in FILES:
        (tmp_path / name).write_bytes(
            idx_bytes(np.zeros((3, 28, 28) if "images" in name else 3, np.uint8))[:-1]
        )
    with pytest.raises(InputError, match="fetch it again"):
        train(
            monkeypatch,
            "fit",
            "--dataset",
            "fashion-mnist",
            "--data",
            tmp_path,
            "--out",
            tmp_path / "out",
        )


def test_evaluate_without_a_checkpoint_says_how_to_get_one(tmp_path, monkeypatch):
    with pytest.raises(
        InputError, match=r"no such file; `python -m train fit --out .*` writes one"
    ):
        train(monkeypatch, "evaluate", "--out", tmp_path)


def test_every_command_has_help_with_an_example(capsys):
    for command in ("fit", "evaluate", "export", "learn", "sweep"):
        with pytest.raises(SystemExit) as done:
            _parser().parse_args([command, "--help"])
        assert done.value.code == 0
        assert f"example: python -m train {command}" in " ".join(capsys.readouterr().out.split())


def test_a_difference_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    data = split(yin_yang(600))
    training = Training(data, Settings(dataset="yin-yang", hidden=(10,), warp=0))
    right = decide_all(training.network, data.test)
    wrong = right.decision.clone()
    wrong[7:] = (wrong[7:] + 1) % 3
    lie = Outcome(wrong, right.tick, right.timed_out, right.events)
    monkeypatch.setattr("train.export.decide_all", lambda *_: lie)
    sentence = rf"image 7: training decides {wrong[7]} at tick {right.tick[7]}, the integer machine {right.decision[7]}"
    with pytest.raises(InputError, match=sentence):
        export(training.network, data, training.settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_equal_decisions_pass():
    one = torch.tensor([1])
    outcome = Outcome(one, one, one > 1, one.unsqueeze(1))
    array = np.array([1], np.int32)
    check(
        outcome,
        batch.Decisions(array, array, array > 1, array[:, None], array[:, None].astype(np.int64)),
    )


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name):
    assert Settings.from_json(json.loads(json.dumps(PRESETS[name].to_json()))) == PRESETS[name]
