"""A sweep's file: which points it means, and under which keys their results are kept."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import InputError
from train.settings import PRESETS, TrainSettings
from train.sweep.spec import point_key, read_spec
from train.window.settings import WINDOW_PRESETS, WindowSettings


def written(tmp_path, text):
    path = tmp_path / "spec.toml"
    path.write_text(text)
    return path


def test_grid_is_the_product_of_its_lists(tmp_path):
    text = "[settings]\nepochs = 2\nwarp = 1\n[[grid]]\nhidden = [[4], [5, 6]]\nseed = [1, 2]\n"
    expected = [
        TrainSettings(epochs=2, warp=1.0, hidden=hidden, seed=seed)
        for hidden in ((4,), (5, 6))
        for seed in (1, 2)
    ]
    assert read_spec(written(tmp_path, text)) == expected


def test_grid_without_lists_is_a_point(tmp_path):
    text = '[[grid]]\npreset = "frugal"\nhidden = [9]\n[[grid]]\n[[grid]]\nhidden = [600]\n'
    points = read_spec(written(tmp_path, text))
    assert points == [
        replace(PRESETS["frugal"], hidden=(9,)),
        TrainSettings(),
    ]  # the last two are the same point


def test_a_grid_can_be_of_another_neuron(tmp_path):
    text = (
        "[settings]\nepochs = 2\n[[grid]]\nhidden = [7]\n"
        '[[grid]]\nneuron = "window"\nmaps = [[4], [4, 5]]\nwindow = [3, 7]\n'
        '[[grid]]\npreset = "convolution"\nseed = 2\n'
    )
    windows = [
        WindowSettings(epochs=2, maps=maps, hidden=(), window=window)
        for maps in ((4,), (4, 5))
        for window in (3, 7)
    ]
    points = read_spec(written(tmp_path, text))
    assert points[0] == TrainSettings(epochs=2, hidden=(7,))
    assert points[1:5] == windows
    assert points[5] == replace(WINDOW_PRESETS["convolution"], epochs=2, seed=2)
    assert len({point_key(point) for point in points}) == 6


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[grid]]\nmirror = 1", "grid 1: --mirror: is not of --neuron first-spike; leave it out"),
        ('[[grid]]\nneuron = "window"\nlast_tick = 3', "grid 1: --last-tick: is not of --neuron w"),
        ('[[grid]]\nneuron = "spiky"', "grid 1: neuron: 'spiky' is not possible in this version"),
        ('[[grid]]\nneuron = "window"\npreset = "frugal"', "grid 1: preset: must be one of dense,"),
        ('[[grid]]\nneuron = "window"\nstride = [0]', "grid 1: --stride: must be at least 1"),
        ("[[grid]", "is not TOML"),
        ("[axes]\nseed = [1]", "key 'axes' is unknown"),
        ("grid = 3", "settings must be a table"),
        ("[[grid]]\nhiden = [3]", "grid 1: hiden: is no setting"),
        ("[[grid]]\nseed = 1.5", "grid 1: seed: must be int, not 1.5"),
        ("[[grid]]\nseed = true", "grid 1: seed: must be int, not True"),
        ("[[grid]]\nhidden = 3", "grid 1: hidden: must be list of int, not 3"),
        ("[[grid]]\n[[grid]]\npool = [1, 3]", "grid 2: --pool: must be 1 or 2, not 3"),
        ("[[grid]]\nbits = []", "grid 1: bits: a network of real weights"),
        ("grid = [3]", "settings must be a table"),
        ("[[grid]]\nfaint = 1\nmax_silent_intensity = 1", "grid 1: faint: is an earlier name of"),
        ('[[grid]]\npreset = "best"', "grid 1: preset: must be one of prototype"),
        ("[[grid]]\npreset = {}", "grid 1: preset: must be one of prototype"),
        ("[[grid]]\nneuron = []", "grid 1: neuron: [] is not possible"),
        ('[[grid]]\ndataset = "minst"', "grid 1: dataset: 'minst' is not possible"),
        ("[[grid]]\nseed = 18_446_744_073_709_551_616", "grid 1: --seed: must be at most"),
        ("[[grid]]\nlast_tick = 100_000", "grid 1: --last-tick: must be at most 32,767"),
        ("[[grid]]\nseed = []", "grid 1: seed: has no values"),
        ("[[grid]]\nhidden = [[]]\nbits = []", "grid 1: bits: a network of real weights"),
        ("grid = []", "has 0 points; give 1 to 10,000"),
        ("[[grid]]\n__dict__ = 1", "grid 1: __dict__: is no setting"),
        ("[settings]\n__class__ = 1", "grid 1: __class__: is no setting"),
        (f"[[grid]]\nseed = {list(range(101))}\nbatch = {list(range(1, 101))}", "more than 10,000"),
        (f"[[grid]]\nseed = {'9' * 5000}", "is not TOML"),
        (f"x = {'[' * 50_000}", "is not TOML"),
        ("#" * 2**20 + "##", "has more than 1,048,576 bytes"),
        ("[[grid]]\nlate_cost = inf", "grid 1: --late-cost: must be at most 1,000,000, not inf"),
        ("[[grid]]\nmargin = nan", "grid 1: --margin: must be at least 0, not nan"),
    ],
)
def test_bad_spec_is_one_sentence(tmp_path, text, sentence):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_spec(path)
    assert str(error.value).startswith(f"{path}: ")
    assert sentence in str(error.value)


def test_settings_may_have_their_earlier_names(tmp_path):
    text = "[settings]\n{0} = 3\n[[grid]]\n[[grid]]\n{0} = [0, 140]\n"
    old, new = (
        read_spec(written(tmp_path, text.format(name)))
        for name in ("faint", "max_silent_intensity")
    )
    assert old == new
    assert [point.max_silent_intensity for point in new] == [3, 0, 140]


def test_key_names_the_settings():
    points = [TrainSettings(seed=2), TrainSettings(warp=0.71), TrainSettings(seed=1)]
    assert len({point_key(settings) for settings in (TrainSettings(), *points)}) == 3


def test_results_stay_valid_when_a_setting_is_added():
    """The recipe's key must not change with a new setting: name it in ADDED."""
    key = point_key(TrainSettings())
    assert key == "a2798a61e666f7aa" != point_key(TrainSettings(wake_share=0.1))


def test_results_stay_valid_when_a_setting_is_renamed():
    """The key is that of version 0.1, where the setting was called faint."""
    assert point_key(TrainSettings(max_silent_intensity=140)) == "51d0c72cc954ba48"


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="no such file"):
            read_spec(path)
