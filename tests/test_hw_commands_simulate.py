"""``hw simulate`` as a user meets it: every variant that can be built, and what differs by name."""

import json
from dataclasses import replace

import numpy as np
import pytest

from command_lines import sentence_of, write_network
from hw.bench import simulate as simulation_module
from hw.bench.lessons import Lessons
from hw.commands import simulate as command
from hw.commands.parser import main
from sim.learning.schedule import default_rule, first_state, skipping
from sim.learning.supervised_batch import Learner
from sim.pipeline import run

SEED = 11
LEARNABLE = 0
"""Seed of a network of two layers."""


@pytest.fixture
def simulate(tmp_path):
    """A function that simulates the network and its vectors, or what other options say."""
    write_network(tmp_path, SEED, images=4)
    return lambda *words: main(["simulate", str(tmp_path), *map(str, words)])


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("engine", ["amaranth", "verilator"])
def test_simulate_prints_what_sim_prints_and_cycles(simulate, tmp_path, capsys, engine):
    assert simulate("--engine", engine, "--lanes", 1, "--limit", 3) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == "3 images, 0 differences"
    network, images = write_network(tmp_path, SEED, images=4)
    for found, image in zip(objects(printed.out), images[:3], strict=True):
        assert found.pop("cycles") > 0
        assert found == run(network, image).to_json()


@pytest.mark.parametrize(
    "variant",
    [
        ("--weights", "block"),
        ("--weights", "spram"),
        ("--weights", "flash"),
        ("--board", "icebreaker", "--weights", "spram"),
        ("--board", "hx8k-breakout", "--weights", "flash"),
        ("--board", "ulx3s-85f"),
        ("--reuse",),
    ],
)
def test_every_variant_that_can_be_built_decides_as_sim(simulate, capsys, variant):
    assert simulate("--engine", "amaranth", "--lanes", 2, *variant) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == "4 images, 0 differences"
    plain = simulate("--engine", "amaranth", "--lanes", 2)
    for found, known in zip(objects(printed.out), objects(capsys.readouterr().out), strict=True):
        if "flash" not in variant:
            assert found["cycles"] == known["cycles"]
        del found["cycles"], known["cycles"]
        assert found == known
    assert plain == 0


def test_simulate_stops_at_the_first_difference(simulate, monkeypatch, capsys):
    def wrong(network, image):
        trace = run(network, image)
        return replace(trace, potential=trace.potential + 1)

    monkeypatch.setattr(simulation_module, "run", wrong)
    assert simulate("--engine", "amaranth") == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "difference: image 0, tick" in output.err
    assert "potential of output 0: expected" in output.err


def test_simulate_writes_lines_and_named_signals(simulate, tmp_path):
    lines, waves = tmp_path / "lines.json", tmp_path / "waves.vcd"
    assert simulate("--engine", "amaranth", "--json", lines, "--vcd", waves) == 0
    assert len(lines.read_text().splitlines()) == 4
    signals = [
        line.split()[4] for line in waves.read_text().splitlines() if line.startswith("$var")
    ]
    names = {signal.split(".")[-1] for signal in signals}
    assert {"tick", "advance", "deliver", "decision", "status", "kind", "neuron"} <= names


@pytest.mark.parametrize("engine", ["amaranth", "verilator"])
def test_lessons_are_compared_with_sim_and_printed(tmp_path, capsys, engine):
    network, images = write_network(tmp_path, LEARNABLE, images=8)
    labels = np.arange(8)[::-1] % len(network.classes)
    np.save(tmp_path / "labels.npy", labels)
    given = ("--images", tmp_path / "images.npy", "--labels", tmp_path / "labels.npy")
    options = ("--learn", "--engine", engine, "--seed", 3, "--skip", "0,100", "--limit", 6, *given)
    assert main(["simulate", str(tmp_path), *map(str, options)]) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == "6 lessons and all weights, 0 differences"

    learner = Learner(network, default_rule(network), first_state(3))
    lessons = learner.learn(images[:6], labels[:6], skipping((0, 100), 1, 1, 6))
    found = objects(printed.out)
    for name in ("decision", "updated", "rows", "changed"):
        assert [each[name] for each in found] == getattr(lessons, name).tolist()
    assert [each["label"] for each in found] == labels[:6].tolist()
    assert found[-1]["generator"] == learner.state
    assert lessons.updated.any()


def test_without_labels_the_classes_are_learnt_in_turn(tmp_path, capsys):
    network, _ = write_network(tmp_path, LEARNABLE, images=5)
    words = ["simulate", str(tmp_path), "--learn", "--engine", "amaranth"]
    assert main(words) == 0
    found = [each["label"] for each in objects(capsys.readouterr().out)]
    assert found == [index % len(network.classes) for index in range(5)]


def test_wrong_lessons_are_named_by_image_and_quantity(tmp_path, monkeypatch, capsys):
    """The gateware is built with another rule than it should be."""

    class Wrong(Lessons):
        def __init__(self, parameters, engine, vcd):
            super().__init__(
                replace(parameters, rule=replace(parameters.rule, noise_bits=0)), engine
            )
            self.parameters = parameters

    monkeypatch.setattr(command, "Lessons", Wrong)
    write_network(tmp_path, LEARNABLE, images=8)
    words = ["simulate", str(tmp_path), "--learn", "--engine", "amaranth", "--skip", "0,0"]
    assert main(words) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("difference: image ")
    assert ": expected " in printed


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--vcd", "x.vcd"), "--vcd: only the Amaranth engine writes one"),
        (("--engine", "iverilog"), "--engine: must be one of amaranth, verilator, not iverilog."),
        (("--board", "ulx3s-85f", "--weights", "spram"), "--weights: 85k has no SPRAM"),
        (("--skip", "5,4"), "--skip: must be two numbers in 0..255"),
        (("--images", "none.npy"), "--images: there are none in it"),
    ],
)
def test_bad_options_are_one_sentence(tmp_path, monkeypatch, capsys, options, sentence):
    monkeypatch.chdir(tmp_path)
    _, images = write_network(tmp_path, SEED, images=2)
    np.save("none.npy", images[:0])
    assert sentence_of(capsys, main, "simulate", ".", *options).startswith(sentence)


def test_learning_and_other_memories_exclude_each_other(tmp_path, capsys):
    write_network(tmp_path, LEARNABLE, images=2)
    words = ("simulate", tmp_path, "--learn")
    for option in (("--weights", "spram"), ("--weights", "flash"), ("--reuse",)):
        assert sentence_of(capsys, main, *words, *option).startswith(f"{option[0]}: ")


def test_images_are_needed(tmp_path, capsys):
    write_network(tmp_path, SEED, images=2)
    (tmp_path / "vectors.safetensors").unlink()
    sentence = sentence_of(capsys, main, "simulate", tmp_path)
    assert sentence.startswith("--images: there is no vectors.safetensors beside the network")
    assert "train export" in sentence
    assert "sim run DIR --images FILE.npy --trace DIR/vectors.safetensors" in sentence
