"""``sim neuron`` as a user meets it."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from command_lines import sentence_of
from sim.commands.parser import main
from sim.report.neurons import KINDS, inputs_of, trace


def test_a_trace_under_given_parameters(capsys):
    words = "neuron --threshold 10 --membrane 128 --spikes 0,1,3,3 --weight 7 --ticks 6 --json"
    assert main(words.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["potential"] == [0, 7, 10, 0, 14, 0]
    assert found["spikes"] == [2, 4]
    assert found["input"] == [7, 7, 0, 14, 0, 0]
    assert found["neuron"]["membrane"] == 128
    assert found["neuron"]["reset"] == "zero"


def test_a_constant_current_takes_the_place_of_the_train(capsys):
    assert (
        main(["neuron", "--reset", "subtract", "--current", "30", "--ticks", "20", "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["input"] == [30] * 20
    neuron = KINDS["snntorch"].neuron
    assert found["potential"] == trace(neuron, inputs_of((), 0, 30, 20)).potential[:, 0].tolist()


def test_a_fraction_shifts_a_kind_and_a_threshold_is_in_state_units(capsys):
    assert main(["neuron", "--fraction", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["neuron"]["threshold"], found["neuron"]["fraction"]) == (1600, 4)
    assert main(["neuron", "--fraction", "4", "--threshold", "99", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["neuron"]["threshold"], found["neuron"]["fraction"]) == (99, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_table_and_a_figure(kind, tmp_path, capsys):
    file = tmp_path / "neuron.svg"
    assert main(["neuron", "--kind", kind, "--svg", str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") > 60
    assert ("*" in printed) == (kind != "readout")
    assert ElementTree.parse(file).getroot().tag.endswith("svg")


@pytest.mark.parametrize("curve", ["charging", "rate", "coincidence"])
def test_every_curve_has_a_table_and_a_figure(curve, tmp_path, capsys):
    file = tmp_path / "curve.svg"
    words = ["neuron", "--curve", curve, "--ticks", "80", "--svg", str(file)]
    assert main(words) == 0
    assert "tau = 10.16 ticks" in " ".join(capsys.readouterr().out.split())
    assert ElementTree.parse(file).getroot().tag.endswith("svg")

    first = file.read_bytes()
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["curve"] == curve
    assert file.read_bytes() == first


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--kind izhikevich", "--kind: must be one of mostafa"),
        ("--membrane 257", "--membrane: must be at most 256"),
        ("--spikes 70", "spikes: tick 70 is not one of the 60"),
        ("--curve rate --spikes 1", "--spikes: are for a trace"),
        ("--curve rate --current 1", "--current: is not for --curve rate"),
        ("--kind mostafa --curve charging", "curve: is one of leaky neurons"),
        ("--kind mostafa --membrane 200", "membrane: with a ramp must be 256"),
        ("--curve coincidence --weight 3", "weight: must be at least half"),
        ("--limit 2 --reset once", "limit: needs reset zero or subtract"),
        ("--threshold 2147483647 --curve rate", "threshold: must be in"),
    ],
)
def test_bad_input_is_one_sentence(words, sentence, capsys):
    assert sentence in sentence_of(capsys, main, "neuron", *words.split())
