"""``train export`` end to end: files that sim reads and agrees with, and one sentence for every bad
input.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim import batch
from sim.errors import InputError
from sim.file import load
from sim.vectors import load_vectors
from small_data import CODE, RECIPE, yin_yang
from train.checkpoint import CHECKPOINT_FILE
from train.commands.parser import main


def train(*arguments):
    return main(list(map(str, arguments)))


def test_export_writes_what_sim_reads(tmp_path, capsys):
    options = (*RECIPE, *CODE, "--bits", "8,4")
    assert train("export", "--out", tmp_path, *options, "--json", "-") == 0
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


def test_export_again_uses_the_checkpoint_and_its_settings(tmp_path):
    train("fit", "--out", tmp_path, *RECIPE, *CODE)
    stamp = (tmp_path / CHECKPOINT_FILE).stat().st_mtime_ns
    train("export", "--out", tmp_path)
    first = load(tmp_path).digest
    train("export", "--out", tmp_path)
    assert load(tmp_path).digest == first
    assert (tmp_path / CHECKPOINT_FILE).stat().st_mtime_ns == stamp


def test_lists_are_written_with_commas_or_spaces(tmp_path, capsys):
    digests = set()
    for number, code in enumerate((CODE, spaced(CODE))):
        train("export", "--out", tmp_path / str(number), *RECIPE, *code, "--bits", "8,4")
        digests.add(load(tmp_path / str(number)).digest)
    assert len(digests) == 1


def spaced(options):
    return [word for option in options for word in option.split(",")]


def test_a_silent_intensity_has_an_earlier_name(tmp_path):
    for name in ("--max-silent-intensity", "--faint"):
        train("export", "--out", tmp_path / name, *RECIPE, *CODE, "--dark-tick", "-1", name, "70")
        network = load(tmp_path / name)
        assert network.provenance["settings"]["max_silent_intensity"] == 70
        assert network.encoder.spike_tick[[70, 71]].tolist() == [-1, 2]


WINDOW = (
    *("--dataset", "yin-yang", "--neuron", "window", "--bright", "192,128,64"),
    *("--epochs", "2", "--batch", "64", "--warp", "0"),
)
"""Options of a training of the window code that takes a second."""


def test_window_code_is_trained_evaluated_and_exported(tmp_path, capsys):
    shape = ("--maps", "4", "--kernel", "2", "--stride", "1", "--padding", "1", "--hidden", "9")
    assert train("fit", "--out", tmp_path, *WINDOW, *shape, "--bits", "8,4,1") == 0
    capsys.readouterr()
    assert train("evaluate", "--out", tmp_path, "--json") == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert train("export", "--out", tmp_path, "--json") == 0
    figures = json.loads(capsys.readouterr().out)

    network = load(tmp_path)
    images, traces = load_vectors(tmp_path / "vectors.safetensors", network)
    decisions = batch.run(network, yin_yang().test_images)
    assert [trace.to_json() for trace in traces] == [
        decisions.to_json(index) for index in range(len(images))
    ]
    assert figures["accuracy"] == (decisions.decision == yin_yang().test_labels).mean()
    assert evaluated["test"]["accuracy"] == figures["accuracy"]
    assert evaluated["test"]["reads"] == pytest.approx(figures["weight_reads_per_image"])
    assert figures["sizes"] == [4, 4 * 3 * 3, 9, 3]
    assert [layer.weight_bits for layer in network.layers] == [8, 4, 1]
    assert network.last_tick == 3 + 7 + 7
    assert network.provenance["settings"]["neuron"] == "window"


BAD = {
    "neuron": (
        ["--mirror", "1"],
        "--mirror: is not of --neuron first-spike; leave it out, or give",
    ),
    "kernel": (
        [*WINDOW, "--maps", "4,5", "--kernel", "2"],
        "--kernel: 2 is larger than the map it moves over, 1 x 1 with a padding of 0; take 1",
    ),
    "pruned": ([*WINDOW, "--maps", "4", "--inputs", "3"], "--inputs: a convolution needs all pix"),
    "stride": ([*WINDOW, "--maps", "4", "--stride", "0"], "--stride: must be at least 1, not 0."),
    "window": ([*WINDOW, "--window", "16"], "--window: must be in 1..15, not 16."),
    "bits": (["--bits", "9"], "--bits: 9 is not possible; give 2 to 8, one or per layer."),
    "bits per layer": (
        ["--bits", "8,8,8"],
        "--bits: give one number, or 2 (per layer), not 3.",
    ),
    "real weights": (
        ["--bits"],
        "--bits: a network of real weights has no integer form; train with --bits 8.",
    ),
    "data set": (["--dataset", "cifar"], "data set 'cifar' is unknown"),
    "epochs": (["--epochs", "0"], "--epochs: must be at least 1, not 0."),
    "hidden": (["--hidden", "0"], "--hidden: every layer needs at least one neuron."),
    "noise": (["--input-noise", "1.5"], "--input-noise: must be at least 0 and below 1, not 1.5."),
    "warp": (["--warp", "-1"], "--warp: must be at least 0, not -1.0."),
    "code": (["--bright", "50", "90", "--bright-ticks", "0", "1"], "--bright: must be descending"),
    "code length": (
        ["--bright", "90", "50"],
        "--bright and --bright-ticks: give as many ticks as thresholds",
    ),
    "code tick": (["--bright-ticks", "99"], "--bright-ticks: must be in 0..24 (--last-tick)."),
    "dark": (["--dark-tick", "-2"], "--dark-tick: must be in -1..24 (--last-tick)."),
    "silent": (
        ["--max-silent-intensity", "256"],
        "--max-silent-intensity: must be in 0..255, not 256.",
    ),
    "earlier name": (["--faint", "256"], "--max-silent-intensity: must be in 0..255, not 256."),
    "no number": (["--hidden", "many"], "--hidden: must be whole numbers with commas between"),
    "pool": (["--pool", "3"], "--pool: must be 1 or 2, not 3."),
}


@pytest.mark.parametrize(("arguments", "sentence"), BAD.values(), ids=BAD)
def test_bad_options_are_one_sentence(tmp_path, arguments, sentence):
    with pytest.raises(InputError) as error:
        train("export", "--out", tmp_path, *arguments)
    assert str(error.value).startswith(sentence)
    assert list(tmp_path.iterdir()) == []


def test_bad_input_exits_with_2_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "train", "export", "--out", str(tmp_path), "--bits", "9"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent
    )
    assert done.returncode == 2
    assert done.stderr == "error: --bits: 9 is not possible; give 2 to 8, one or per layer.\n"
