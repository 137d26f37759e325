"""The settings of training are in range, and survive their files, also those of earlier times."""

import json
from dataclasses import replace

import pytest

from sim.errors import InputError
from train.settings import PRESETS, TrainSettings


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name):
    assert TrainSettings.from_json(json.loads(json.dumps(PRESETS[name].to_json()))) == PRESETS[name]


def test_settings_of_earlier_versions_are_read():
    new = TrainSettings(max_silent_intensity=140)
    old = new.to_json()
    old["faint"] = old.pop("max_silent_intensity")
    assert TrainSettings.from_json(old) == new
    del old["faint"]  # older still
    assert TrainSettings.from_json(old) == TrainSettings()


@pytest.mark.parametrize("change", [{"colour": 1}, {"hidden": None}])
def test_unknown_and_missing_keys_are_refused(change):
    values = TrainSettings().to_json() | change
    values = {key: value for key, value in values.items() if value is not None}
    with pytest.raises(InputError, match=f"key '{next(iter(change))}' does not fit this version"):
        TrainSettings.from_json(values)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("wake_share", 1.1), ("alive_share", 1.1), ("alive_share", -0.1)),
        *(("expected_spikes", 0), ("ticks_per_unit", 0), ("learning_rate", 0.0)),
        *(("floor", -0.1), ("floor", float("nan")), ("input_noise", 1.0)),
        *(("bits", (1,)), ("bits", (8, 8, 8)), ("hidden", (0,)), ("pool", 4)),
        *(("bright", ()), ("bright", (255,)), ("bright_ticks", (25,)), ("dark_tick", 25)),
        *(("max_silent_intensity", 256), ("max_silent_intensity", -1)),
    ],
)
def test_what_is_out_of_range_names_its_option(key, value):
    with pytest.raises(InputError, match=f"^--{key.replace('_', '-')}"):
        replace(TrainSettings(), **{key: value})


def test_the_encoder_gives_every_intensity_its_tick():
    settings = TrainSettings(bright=(200, 100), bright_ticks=(0, 3), dark_tick=5, pool=2)
    encoder = settings.encoder(4, 6)
    assert encoder.spike_tick[[0, 100, 101, 200, 201, 255]].tolist() == [5, 5, 3, 3, 0, 0]
    assert encoder.pixels.tolist() == [0, 1, 2, 3, 4, 5]
    assert TrainSettings().encoder(1, 1).spike_tick[[127, 128]].tolist() == [-1, 0]


def test_mostafas_network_gets_every_pixel_at_one_of_two_times():
    """z = 1 and z = 6 are ticks 0 and 5 R."""
    settings = PRESETS["mostafa"]
    encoder = settings.encoder(28, 28)
    assert encoder.spike_tick[[0, 127]].tolist() == [5 * settings.ticks_per_unit] * 2
    assert encoder.spike_tick[[128, 255]].tolist() == [0, 0]
    assert settings.hidden == (800,)
    assert settings.layer_bits() is None
    assert settings.warp == 0


def test_bits_are_one_number_or_one_per_layer():
    assert TrainSettings(hidden=(5, 4), bits=(3,)).layer_bits() == (3, 3, 3)
    assert TrainSettings(hidden=(5,), bits=(8, 4)).layer_bits() == (8, 4)
    assert TrainSettings(bits=()).layer_bits() is None


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"maps": (4, 0)}, "--maps: every convolution"),
        ({"maps": (4, 4), "kernel": (0,)}, "--kernel: must be at least 1, not 0"),
        ({"maps": (4, 4), "stride": (1, 0)}, "--stride: must be at least 1, not 0"),
        ({"maps": (4, 4), "padding": (-1,)}, "--padding: must be at least 0, not -1"),
        ({"maps": (4, 4), "padding": (4, 5)}, r"smaller than the kernel, in 0\.\.4, not 5"),
        ({"maps": (4, 4), "stride": (1, 2, 3)}, "--stride: give one number, or 2"),
        ({"maps": (4,), "spikes": 2}, "--spikes: those of convolutions fire once"),
        ({"maps": (4,), "inputs": 100}, "--inputs: a convolution needs all pixels"),
        ({"maps": (4, 4), "bits": (8, 8, 8)}, r"--bits: give one number, or 4 \(per layer\)"),
    ],
)
def test_convolutions_that_are_not_possible_name_the_option(changes, match):
    with pytest.raises(InputError, match=match):
        replace(TrainSettings(), **changes)


def test_geometry_is_one_number_or_one_per_convolution():
    settings = TrainSettings(maps=(4, 6), kernel=(5, 3), padding=(1, 0))
    assert settings.geometry() == [(5, 2, 1), (3, 2, 0)]
    assert settings.layer_bits() == (8,) * 4
    assert TrainSettings().geometry() == []
