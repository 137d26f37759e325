"""Settings of leaky neurons that are possible, and those that are refused in one sentence."""

import pytest

from sim.errors import InputError
from sim.neuron import Neuron
from sim.readouts.peak import NO_LEVEL
from train.surrogate.settings import LEAKY_PRESETS, LeakySettings, left


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden": (0,)}, "--hidden: must be at least 1"),
        ({"leak": 9}, r"--leak: must be in 0\.\.8, not 9"),
        ({"leak_out": -1}, r"--leak-out: must be in 0\.\.8"),
        ({"synapse": 9}, r"--synapse: must be in 0\.\.8"),
        ({"reset": "never"}, "--reset: 'never' is not possible"),
        ({"readout": "last"}, "--readout: 'last' is not possible"),
        ({"surrogate": "step"}, "--surrogate: 'step' is not possible"),
        ({"loss": "hinge"}, "--loss: 'hinge' is not possible"),
        ({"loss": "counts"}, "--loss: counts is of --readout most_spikes"),
        ({"loss": "peak", "readout": "most_spikes"}, "--loss: counts is of --readout"),
        ({"bits": (8, 8, 8)}, r"--bits: give one number, or 2 \(per layer\), not 3"),
        ({"bits": (1,)}, "--bits: 1 is not possible; give 2 to 8"),
        ({"through_reset": 2}, "--through-reset: must be 0 or 1"),
        ({"real_share": 1.5}, "--real-share: must be in"),
        ({"slope": 0.0}, "--slope: must be above 0"),
        ({"bright_ticks": (9,)}, r"--bright-ticks: must be in 0\.\.4; raise --last-tick"),
        ({"pool": 3}, "--pool: must be 1 or 2"),
    ],
)
def test_what_is_refused(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        LeakySettings(**changes)


@pytest.mark.parametrize("name", LEAKY_PRESETS)
def test_settings_survive_json(name):
    recipe = LEAKY_PRESETS[name]
    assert LeakySettings.from_json(recipe.to_json()) == recipe


def test_settings_of_another_kind_are_refused():
    with pytest.raises(InputError, match="neuron: must be leaky, not 'window'"):
        LeakySettings.from_json(LeakySettings().to_json() | {"neuron": "window"})


@pytest.mark.parametrize("values", [{"leek": 3}, {}])
def test_unknown_and_missing_keys_are_refused(values):
    whole = LeakySettings().to_json()
    changed = whole | values if values else {key: whole[key] for key in list(whole)[1:]}
    with pytest.raises(InputError, match="does not fit this version"):
        LeakySettings.from_json(changed)


def test_neurons_of_the_machine():
    recipe = LeakySettings(leak=2, leak_out=3, reset="subtract")
    assert recipe.machine_neuron(50, output=False) == Neuron(50, 192, 0, "subtract", ramp=False)
    assert recipe.machine_neuron(50, output=True) == Neuron(50, 224, 0, "zero", ramp=False)

    peak = LeakySettings(readout="peak", synapse=1, leak_out=0)
    output = Neuron(NO_LEVEL, 256, 128, "never", ramp=False)
    assert peak.machine_neuron(50, output=True) == output
    assert [left(shift) for shift in (0, 1, 4, 8)] == [256, 128, 240, 255]
