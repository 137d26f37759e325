"""The settings of training survive their files, also those of earlier versions."""

import json

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
