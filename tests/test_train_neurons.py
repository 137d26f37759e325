"""The table of ``--neuron``: settings of each kind, and sentences where they are mixed up."""

import pytest

from sim.errors import InputError
from small_training import SMALL, YIN_YANG
from small_windows import CONVOLUTION, SMALL_WINDOWS
from train.fit import Training
from train.neurons import NEURONS, changed, name_of, read_settings, start_run
from train.parallel import ALONE
from train.settings import TrainSettings
from train.window.fit import WindowTraining
from train.window.settings import WindowSettings


@pytest.mark.parametrize("name", NEURONS)
def test_settings_name_their_kind_and_are_read_back(name):
    for settings in (NEURONS[name].settings(), *NEURONS[name].presets.values()):
        assert name_of(settings) == name
        assert read_settings(settings.to_json()) == settings


def test_presets_have_different_names():
    names = [preset for kind in NEURONS.values() for preset in kind.presets]
    assert len(set(names)) == len(names)


def test_a_run_is_of_the_settings_kind():
    assert type(start_run(SMALL, YIN_YANG, ALONE)) is Training
    assert type(start_run(SMALL_WINDOWS, CONVOLUTION, ALONE)) is WindowTraining


def test_convolutions_have_no_dense_layers_unless_they_are_asked_for():
    usual = WindowSettings()
    assert changed(usual, {"maps": (4,)}).hidden == ()
    assert changed(usual, {"maps": (4,), "hidden": (9,)}).hidden == (9,)
    assert changed(changed(usual, {"maps": (4,), "hidden": (9,)}), {"maps": (5,)}).hidden == (9,)
    assert changed(usual, {"epochs": 2}).hidden == usual.hidden


@pytest.mark.parametrize(
    ("settings", "changes", "sentence"),
    [
        (
            WindowSettings(),
            {"last_tick": 3},
            "--last-tick: is not of --neuron window; leave it out, "
            "or give --neuron first-spike or leaky.",
        ),
        (
            TrainSettings(),
            {"window": 3},
            "--window: is not of --neuron first-spike; leave it out, or give --neuron window.",
        ),
        (TrainSettings(), {"x": 3}, "x: is no setting; `python -m train fit --help` lists them."),
    ],
)
def test_settings_of_another_kind_are_refused(settings, changes, sentence):
    with pytest.raises(InputError) as error:
        changed(settings, changes)
    assert str(error.value) == sentence


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="neuron: 'spiky' is not possible in this version"):
        read_settings({"neuron": "spiky"})
