"""One neuron beside real numbers: the proved bound, curves and windows, and a network's machine."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from sim import pipeline
from sim.connections.dense import Dense
from sim.encoders.events import EventList, Events
from sim.errors import InputError
from sim.layer import Layer
from sim.network import Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from sim.report.neurons import (
    FRACTIONS,
    KINDS,
    TRAIN,
    charging,
    coincidence,
    error_bound,
    inputs_of,
    rate,
    trace,
    with_fraction,
)

LIF = KINDS["masquelier"].neuron


def test_the_kinds_are_those_of_the_design():
    named = {name: (kind.neuron.reset, kind.neuron.ramp) for name, kind in KINDS.items()}
    assert named == {
        "mostafa": ("once", True),
        "s4nn": ("once", False),
        "masquelier": ("zero", False),
        "snntorch": ("subtract", False),
        "zenke": ("zero", False),
        "readout": ("never", False),
        "window": ("once", False),
    }
    for name in ("s4nn", "masquelier", "snntorch", "readout"):
        assert KINDS[name].neuron.synapse == 0
    assert KINDS["zenke"].neuron.synapse > 0
    assert KINDS["window"].neuron.window is not None


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("readout", "window")])
def test_a_trace_fires_as_the_neuron_does_in_a_network(name):
    """The network's only hidden neuron; every spike of it reaches the output's layer."""
    kind = KINDS[name]
    found = trace(kind.neuron, inputs_of(TRAIN, kind.weight, 0, 60), kind.ticks_per_unit)
    spikes = np.flatnonzero(found.fired[:, 0]).tolist()
    assert spikes

    hidden = Layer(Dense(np.array([[kind.weight]], np.int8)), kind.neuron)
    silent = Layer(Dense(np.array([[1]], np.int8)), Neuron(10**6, ramp=False))
    network = Network(Events(1), (hidden, silent), FirstSpike(), kind.ticks_per_unit, 59, ("a",))
    ticks = np.array(TRAIN, np.int32)
    sample = EventList(ticks, np.zeros_like(ticks), np.array([0, len(ticks)]))
    assert [spike.tick for spike in pipeline.run(network, sample).spikes[1]] == spikes


def test_a_trace_by_hand():
    neuron = Neuron(10, membrane=128, synapse=0, reset="zero", ramp=False)
    found = trace(neuron, inputs_of((0, 1, 3, 3), 7, 0, 6))
    assert found.potential[:, 0].tolist() == [0, 7, 10, 0, 14, 0]
    assert np.flatnonzero(found.fired[:, 0]).tolist() == [2, 4]
    assert found.current[:, 0].tolist() == [7, 7, 0, 14, 0, 0]
    assert found.level == [10] * 6


def exact_potentials(neuron, inputs):
    """The same in fractions, (ticks, n) of floats' numerators: ``never``, nothing rounded."""
    beta, alpha = Fraction(neuron.membrane, 256), Fraction(neuron.synapse, 256)
    count = inputs.shape[1]
    current = potential = np.full(count, Fraction(0), object)
    found = []
    for tick, given in enumerate(inputs):
        if tick > 0:
            potential = beta * potential + current
            current = alpha * current
        found.append(potential)
        current = current + given.astype(object) * 2**neuron.fraction
    return np.array(found)


@pytest.mark.parametrize(
    ("membrane", "synapse", "fraction"),
    [(232, 0, 0), (232, 0, 4), (128, 0, 0), (253, 0, 0), (232, 210, 0), (200, 256, 0), (0, 99, 0)],
)
def test_integers_stay_within_the_proved_bound(membrane, synapse, fraction):
    """1,000 random trains in all seven cases together, with weights of both signs."""
    random = np.random.default_rng([membrane, synapse, fraction])
    neuron = Neuron(
        1, membrane=membrane, synapse=synapse, reset="never", ramp=False, fraction=fraction
    )
    inputs = random.integers(-128, 128, (40, 143)) * (random.random((40, 143)) < 0.3)
    found, wanted = trace(neuron, inputs).potential, exact_potentials(neuron, inputs)
    worst = np.abs(found.astype(object) - wanted).max()
    assert 0 < worst < error_bound(neuron)


def test_the_bound_holds_for_a_thousand_trains_that_fire():
    """As long as both fire at the same ticks, resets keep it; the trains that differ are few."""
    neuron = with_fraction(LIF, 4)
    random = np.random.default_rng(11)
    inputs = 40 * (random.random((50, 1000)) < 0.2)
    found = trace(neuron, inputs)

    beta = neuron.membrane / 256
    potential, same = np.zeros(1000), np.ones(1000, np.bool_)
    for tick in range(50):
        if tick > 0:
            potential = beta * potential + 16 * inputs[tick - 1]
        fires = potential >= neuron.threshold
        same &= fires == found.fired[tick]
        error = np.abs(potential - found.potential[tick])
        assert (error[same] < float(error_bound(neuron))).all()
        potential[fires] = 0
    assert same.sum() > 950
    assert found.fired.sum() > 1000


def test_where_nothing_is_rounded_the_bound_is_0_and_where_errors_grow_there_is_none():
    never = replace(LIF, reset="never")
    assert error_bound(replace(never, membrane=256)) == 0
    assert error_bound(replace(never, membrane=0)) == 0
    assert error_bound(replace(never, membrane=256, synapse=128)) is None
    assert error_bound(replace(never, membrane=255)) == 256
    assert error_bound(replace(never, membrane=128, synapse=128)) == 6


def test_charging_keeps_its_bound_which_halves_with_each_bit():
    found = charging(LIF, 10, 200)
    assert [row["fraction"] for row in found["rows"]] == list(FRACTIONS)
    for row in found["rows"]:
        assert row["bound"] == 256 / 24 / 2 ** row["fraction"]
        assert 0 < row["error"] < row["bound"]
    end = 10 / (1 - 232 / 256)
    assert found["continuous"][0] == 0
    assert found["continuous"][-1] == pytest.approx(end, rel=1e-8)


def test_the_f_i_curve_comes_to_the_equation_with_more_bits():
    currents = range(1, 60)
    found = rate(LIF, currents, 300)
    errors = [row["error"] for row in found["rows"]]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > errors[-1] == 0
    assert found["rows"][0]["silent"] >= found["rows"][-1]["silent"] == 0

    # 9 is below what keeps it at 100: 9 / (1 - 232 / 256) = 96
    assert found["continuous"][8] is None
    assert all(row["period"][8] is None for row in found["rows"])
    for current, period in zip(currents, found["rows"][-1]["period"], strict=True):
        if period is not None:
            value, ticks = 0.0, 0
            while value < 100:
                value, ticks = value * 232 / 256 + current, ticks + 1
            assert period == ticks


@pytest.mark.parametrize("membrane", [192, 224, 232, 240, 248])
@pytest.mark.parametrize("weight", [52, 60, 75, 90])
def test_the_window_of_coincidence_is_right_to_a_tick(membrane, weight):
    found = coincidence(replace(LIF, membrane=membrane), weight, 300)
    wanted = -found["tau"] * math.log(100 / weight - 1)
    assert found["continuous"] == pytest.approx(wanted, rel=1e-12)
    windows = [row["window"] for row in found["rows"]]
    assert windows == sorted(windows)
    assert windows[-1] <= math.floor(wanted)

    last = (100 - weight) * (Fraction(256, membrane) - 1)
    right = [
        row["window"]
        for row in found["rows"]
        if error_bound(replace(LIF, membrane=membrane)) / 2 ** row["fraction"] <= last
    ]
    assert right, "at least 8 bits suffice here"
    assert all(window in (math.floor(wanted) - 1, math.floor(wanted)) for window in right)


def test_a_fraction_scales_the_threshold():
    assert with_fraction(LIF, 4).threshold == 1600
    assert with_fraction(with_fraction(LIF, 4), 1).threshold == 200


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: charging(KINDS["mostafa"].neuron, 10, 9), "curve: is one of leaky neurons"),
        (lambda: charging(KINDS["window"].neuron, 10, 9), "curve: is one of leaky neurons"),
        (lambda: rate(KINDS["zenke"].neuron, [10], 9), "synapse: must be 0"),
        (lambda: rate(KINDS["s4nn"].neuron, [10], 9), r"membrane: must be in 1\.\.255"),
        (lambda: coincidence(LIF, 100, 9), "weight: must be at least half"),
        (lambda: coincidence(LIF, 49, 9), "weight: must be at least half"),
        (lambda: coincidence(LIF, -5, 9), "weight: must be at least half"),
        (lambda: inputs_of((), 1, 0, 0), r"ticks: must be in 1\.\."),
        (lambda: inputs_of((4,), 1, 0, 4), "spikes: tick 4 is not one of the 4"),
        (lambda: trace(LIF, np.full((3, 1), 2**21)), "input: must be within"),
        (lambda: trace(LIF, np.zeros((0, 1))), r"ticks: must be in 1\.\."),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
