"""Every setting of training has an option; without it the recipe or the run decides."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from sim.commands.command_line import Parser
from sim.errors import InputError
from small_training import SMALL, YIN_YANG
from small_windows import CONVOLUTION, SMALL_WINDOWS
from train.checkpoint import CHECKPOINT_FILE
from train.commands.options import (
    SETTINGS,
    add_checkpoint,
    add_restart,
    add_settings,
    chosen_settings,
    saved_settings,
    show,
)
from train.fit import Training
from train.neurons import NEURONS
from train.settings import PRESETS, TrainSettings, option
from train.window.fit import WindowTraining
from train.window.settings import WINDOW_PRESETS, WindowSettings


def parsed(*words):
    parser = Parser()
    add_settings(parser)
    add_checkpoint(parser)
    add_restart(parser)
    return parser.parse_args(list(map(str, words)))


def test_every_setting_has_an_option_and_a_help():
    known = [field.name for kind in NEURONS.values() for field in fields(kind.settings)]
    assert set(SETTINGS) == set(known)


@pytest.mark.parametrize("name", SETTINGS)
def test_an_option_sets_its_setting_and_no_other(tmp_path, name):
    kind = next(kind for kind in NEURONS.values() if hasattr(kind.settings(), name))
    given = getattr(replace(YIN_YANG, **others()), name, getattr(kind.settings(), name))
    text = ",".join(map(str, given)) if isinstance(given, tuple) else str(given)
    arguments = parsed("--out", tmp_path, option(name), text)
    changed = {each for each in SETTINGS if hasattr(arguments, each)}
    assert changed == {name}
    assert getattr(arguments, name) == given
    assert type(getattr(arguments, name)) is type(getattr(kind.settings(), name))


def others():
    """Values unlike the defaults, of the settings that the recipe leaves as they are."""
    return {"seed": 7, "bits": (4, 3, 2), "hidden": (9,), "maps": (3,), "floor": 0.25, "pool": 2}


def test_the_recipe_comes_before_the_checkpoint_and_the_checkpoint_before_the_defaults(tmp_path):
    assert chosen_settings(parsed("--out", tmp_path)) == TrainSettings()
    assert chosen_settings(parsed("--out", tmp_path, "--seed", 3)) == TrainSettings(seed=3)

    Training(SMALL, YIN_YANG).save(tmp_path / CHECKPOINT_FILE)
    assert saved_settings(tmp_path / CHECKPOINT_FILE) == YIN_YANG
    assert chosen_settings(parsed("--out", tmp_path)) == YIN_YANG
    changed = chosen_settings(parsed("--out", tmp_path, "--hidden", "5", "6", "--bits"))
    assert changed == replace(YIN_YANG, hidden=(5, 6), bits=())

    chosen = chosen_settings(parsed("--out", tmp_path, "--preset", "frugal", "--epochs", 2))
    assert chosen == replace(PRESETS["frugal"], epochs=2)


def test_the_neuron_decides_whose_settings_they_are(tmp_path):
    window = ("--out", tmp_path, "--neuron", "window")
    assert chosen_settings(parsed(*window)) == WindowSettings()
    found = chosen_settings(parsed(*window, "--maps", "16,32", "--kernel", 3, "--spike-cost", 0.5))
    assert found == WindowSettings(maps=(16, 32), kernel=(3,), hidden=(), spike_cost=0.5)
    chosen = chosen_settings(parsed("--out", tmp_path, "--preset", "clothes", "--seed", 2))
    assert chosen == replace(WINDOW_PRESETS["clothes"], seed=2)

    for words, sentence in (
        (("--window", 4), "--window: is not of --neuron first-spike; leave it out"),
        ((*window[2:], "--last-tick", 9), "--last-tick: is not of --neuron window; leave it out"),
        ((*window[2:], "--preset", "frugal"), "--preset frugal: is of --neuron first-spike; give"),
        (("--neuron", "spiky"), "--neuron: must be one of first-spike, .*, not spiky"),
    ):
        with pytest.raises(InputError, match=sentence):
            chosen_settings(parsed("--out", tmp_path, *words))

    Training(SMALL, YIN_YANG).save(tmp_path / CHECKPOINT_FILE)
    with pytest.raises(InputError, match="is of --neuron first-spike; give the same, or another"):
        chosen_settings(parsed(*window))


def test_a_checkpoint_names_its_neuron(tmp_path):
    WindowTraining(SMALL_WINDOWS, CONVOLUTION).save(tmp_path / CHECKPOINT_FILE)
    assert saved_settings(tmp_path / CHECKPOINT_FILE) == CONVOLUTION
    changed = chosen_settings(parsed("--out", tmp_path, "--max-silent-intensity", 50))
    assert changed == replace(CONVOLUTION, max_silent_intensity=50)


def test_an_earlier_name_is_the_same_option(tmp_path):
    for name in ("--faint", "--max-silent-intensity"):
        found = chosen_settings(parsed("--out", tmp_path, name, 70))
        assert found == TrainSettings(max_silent_intensity=70)


def test_other_values_are_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"--preset: must be one of prototype, frugal, .* not best"
    ):
        parsed("--out", tmp_path, "--preset", "best")
    with pytest.raises(InputError, match="--floor: must be a number, not low"):
        parsed("--out", tmp_path, "--floor", "low")
    with pytest.raises(InputError, match="--epochs: must be at least 1"):
        chosen_settings(parsed("--out", tmp_path, "--epochs", 0))


def test_figures_are_lines_or_json(tmp_path, capsys):
    figures = {"epochs": 2, "test": {"accuracy": 0.123456, "hidden_spikes": 3}}
    show(figures, parsed("--out", tmp_path))
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["epochs", "2"],
        ["test", "accuracy", "0.1235"],
        ["test", "hidden", "spikes", "3"],
    ]
    show(figures, parsed("--out", tmp_path, "--json"))
    assert json.loads(capsys.readouterr().out) == figures
    assert parsed("--out", tmp_path, "--data", "d").data == Path("d")
