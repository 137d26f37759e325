"""Settings of the window code are refused in one sentence, or mean what they say."""

from dataclasses import replace

import numpy as np
import pytest

from sim.errors import InputError
from train.window.settings import WINDOW_PRESETS, WindowSettings

BAD = {
    "--window: must be in 1..15, not 16.": {"window": 16},
    "--window: must be at least 1, not 0.": {"window": 0},
    "--maps: must be at least 1 in every layer.": {"maps": (16, 0)},
    "--hidden: must be at least 1 in every layer.": {"hidden": (0,)},
    "--stride: must be at least 1, not 0.": {"maps": (4,), "stride": (0,)},
    "--kernel: must be at least 1, not 0.": {"maps": (4,), "kernel": (0,)},
    "--padding: must be at least 0, not -1.": {"maps": (4,), "padding": (-1,)},
    "--padding: must be smaller than the kernel, in 0..2, not 3.": {
        "maps": (4, 5),
        "kernel": (5, 3),
        "padding": (3,),
    },
    "--kernel: give one number, or 3 (one for each of --maps), not 2.": {
        "maps": (4, 5, 6),
        "kernel": (5, 3),
    },
    "--inputs: a convolution needs all pixels; leave it out, or train without --maps.": {
        "maps": (4,),
        "inputs": 100,
    },
    "--bits: 9 is not possible; give 1 to 8, one or per layer.": {"bits": (9,)},
    "--bits: give one number, or 2 (per layer), not 3.": {"bits": (8, 8, 8)},
    "--bits: give one number, or 2 (per layer), not 0.": {"bits": ()},
    "--pool: must be 1 or 2, not 3.": {"pool": 3},
    "--bright: must be descending and in 0..254, not 50,90.": {"bright": (50, 90)},
    "--bright and --bright-ticks: give as many ticks as thresholds, at least one.": {
        "bright_ticks": (0, 1)
    },
    "--bright-ticks: must be in 0..15.": {"bright_ticks": (16,)},
    "--max-silent-intensity: must be in 0..255, not 256.": {"max_silent_intensity": 256},
    "--max-silent-intensity: 160 silences all that fires at the last input tick; "
    "take 159 or less.": {"bright": (160, 80), "max_silent_intensity": 160},
    "--mirror: must be in 0..1, not 2.0.": {"mirror": 2.0},
    "--spike-cost: must be at least 0, not -1.0.": {"spike_cost": -1.0},
    "--learning-rate: must be above 0, not 0.0.": {"learning_rate": 0.0},
}


@pytest.mark.parametrize(("sentence", "values"), BAD.items(), ids=BAD)
def test_what_is_out_of_range_is_one_sentence(sentence, values):
    with pytest.raises(InputError) as error:
        replace(WindowSettings(), **values)
    assert str(error.value) == sentence


def test_one_number_is_for_all_convolutions():
    settings = WindowSettings(maps=(4, 5), kernel=(5, 3), padding=(1,))
    assert settings.geometry() == [(5, 2, 1), (3, 2, 1)]
    assert WindowSettings().geometry() == []
    assert settings.layer_bits() == (8, 8, 8, 8)
    assert replace(settings, bits=(8, 4, 2, 1)).layer_bits() == (8, 4, 2, 1)


def test_levels_fire_one_after_the_other_and_dark_pixels_never():
    table = WindowSettings(bright=(200, 100)).encoder(28, 28).spike_tick
    expected = np.select([np.arange(256) > 200, np.arange(256) > 100], [0, 1], -1)
    np.testing.assert_array_equal(table, expected)
    given = WindowSettings(bright=(200, 100), bright_ticks=(0, 3), pool=2).encoder(28, 28)
    assert (given.last_tick, given.inputs) == (3, 196)


@pytest.mark.parametrize("settings", WINDOW_PRESETS.values(), ids=WINDOW_PRESETS)
def test_json_is_read_back(settings):
    assert WindowSettings.from_json(settings.to_json()) == settings
    for change in ({"kernels": 1}, {"maps": None}):
        values = {**settings.to_json(), **change}
        values = {key: value for key, value in values.items() if value is not None}
        with pytest.raises(InputError, match="does not fit this version; train again"):
            WindowSettings.from_json(values)
