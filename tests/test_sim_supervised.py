"""The learning rule against hand-made cases."""

from dataclasses import replace

import numpy as np
import pytest

from lesson_networks import HIDDEN, OUTPUT, machine
from sim.connections.dense import Dense
from sim.errors import InputError
from sim.learning.supervised import Rule, learn, step, watch_image
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike


def weights(lesson):
    return [layer.weight.tolist() for layer in lesson.network.layers]


def teach(network, *pixels, label=0, rule, state=1, skip=0):
    return learn(network, np.array([pixels], np.uint8), label, rule, state, skip)


def test_the_hand_made_network_fires_as_its_comment_says():
    watch = watch_image(machine(HIDDEN, OUTPUT), np.array([[200]], np.uint8), 0, 1)
    assert watch.hidden_tick.tolist() == [1, 2, 4, 13]
    assert watch.output_tick.tolist() == [4, 2]
    assert watch.hidden_current.tolist() == [8, 4, 2, -1]
    assert (watch.decision, watch.inputs, watch.input_tick.tolist()) == (1, [0], [0])


def test_only_what_contributed_learns():
    """Hidden 0 errs by 9 - 20. Hidden 1 fired with output 1, not before it: it errs by -1. Hidden 2
    fired too late.
    """
    lesson = teach(machine(HIDDEN, OUTPUT), 200, rule=Rule(1, 0, 1, 0))
    assert weights(lesson) == [[[11, 7, 6, 3]], [[10, 19], [0, -7], [5, 5], [5, -5]]]
    assert (lesson.decision, lesson.updated, lesson.rows, lesson.changed) == (1, True, 4, 5)


@pytest.mark.parametrize(("reach", "weight"), [(1, 3), (2, 4)])
def test_a_silent_neuron_within_reach_moves_as_if_it_had_contributed(reach, weight):
    lesson = teach(machine(HIDDEN, OUTPUT), 200, rule=Rule(1, reach, 1, 0))
    assert weights(lesson) == [[[11, 7, 6, weight]], [[10, 19], [0, -7], [5, 5], [5, -5]]]


@pytest.mark.parametrize(
    ("noise_bits", "row"), [(0, [11, 7, 6, 3]), (5, [11, 8, 6, 3]), (6, [12, 8, 6, 3])]
)
def test_an_error_is_acted_on_when_the_low_bits_of_the_draw_are_below_it(noise_bits, row):
    """The errors are -11, -1 and 0; the low five bits of the first two draws are 1 and 1, the low
    six 33 and 1.
    """
    assert weights(teach(machine(HIDDEN, OUTPUT), 200, rule=Rule(1, 0, 1, noise_bits)))[0] == [row]


@pytest.mark.parametrize(
    ("rivals", "row", "after"),
    [
        (1, [8, 12, 20], [9, 12, 19]),
        (1, [8, 20, 20], [9, 19, 20]),
        (2, [8, 12, 20], [9, 11, 19]),
        (9, [8, 12, 20], [9, 11, 19]),
    ],
)
def test_the_first_of_the_early_outputs_are_held_back(rivals, row, after):
    """Outputs 1 and 2 are both earlier than the label's; at one tick, the lower index counts as the
    earlier.
    """
    assert weights(teach(machine([[12]], [row]), 200, rule=Rule(0, 0, rivals, 0)))[1] == [after]


@pytest.mark.parametrize(("margin", "updated"), [(1, False), (2, True)])
def test_an_output_within_the_margin_is_too_early(margin, updated):
    """Output 0 fires at tick 2, output 1 at tick 4."""
    lesson = teach(machine([[12]], [[20, 8]]), 200, rule=Rule(margin, 0, 1, 0))
    assert lesson.updated == updated
    assert weights(lesson)[1] == [[21, 7]] if updated else [[20, 8]]
    assert lesson.state == (step(step(1)) if updated else 1)


def test_nothing_of_the_last_tick_is_read():
    """Both outputs fire at tick 2, which ends the image: the hidden and the input spike of that
    tick never happen.
    """
    network = machine([[12, 8], [0, 0]], [[20, 20], [1, 1]])
    watch = watch_image(network, np.array([[200, 150]], np.uint8), 0, 0)
    assert (watch.inputs, watch.input_tick.tolist(), watch.hidden_tick.tolist()) == (
        [0],
        [0, 13],
        [1, 13],
    )
    lesson = teach(network, 200, 150, rule=Rule(0, 0, 1, 0))
    assert (weights(lesson), lesson.rows) == ([[[12, 8], [0, 0]], [[21, 19], [1, 1]]], 2)


def test_a_label_that_stays_silent_is_asked_to_fire_even_when_none_is_too_early():
    lesson = teach(machine([[12, 12]], [[3, 3], [-3, 1]]), 200, rule=Rule(1, 0, 1, 0))
    assert weights(lesson) == [[[13, 11]], [[4, 3], [-2, 1]]]


def test_a_hidden_spike_of_the_last_tick_contributed_to_a_silent_output():
    network = machine([[8], [0]], [[1, 0]])
    late = Network(network.encoder, network.layers, FirstSpike(), 2, 2, network.classes)
    assert weights(teach(late, 200, 0, rule=Rule(1, 0, 1, 0))) == [[[9], [0]], [[2, 0]]]


def test_only_inputs_that_fired_before_a_hidden_neuron_move_its_weights():
    """Inputs fire at ticks 0, 1 and 2; hidden 0 fires at tick 2, hidden 1 stays silent within
    reach.
    """
    network = machine([[8, 1], [0, 1], [0, 1]], [[1, 0], [1, 0]])
    lesson = teach(network, 200, 120, 150, rule=Rule(1, 4, 1, 0))
    assert weights(lesson)[0] == [[9, 2], [1, 2], [0, 2]]


def test_weights_saturate_at_their_format():
    network = machine([[7], [7]], [[7, -8]], bits=4)
    lesson = teach(network, 200, 200, label=1, rule=Rule(0, 0, 1, 0))
    assert weights(lesson) == [[[6], [6]], [[6, -7]]]
    lesson = teach(network, 200, 200, label=0, rule=Rule(12, 0, 1, 0))
    assert not lesson.updated
    silent = machine([[7], [7]], [[2, -8]], bits=4)
    assert weights(teach(silent, 200, 200, rule=Rule(0, 0, 1, 0))) == [[[7], [7]], [[3, -8]]]


def test_the_generator_is_marsaglias():
    states = [1]
    for _ in range(4):
        states.append(step(states[-1]))
    assert states == [1, 270369, 67634689, 2647435461, 307599695]


def test_draws_decide_rows_in_a_stated_order():
    """The draws from state 1 are 0, 4, 157, 18: three hidden neurons by index, then the input."""
    network = machine(HIDDEN, OUTPUT)
    lesson = teach(network, 200, rule=Rule(1, 0, 1, 0), skip=1)
    assert weights(lesson) == [[[11, 7, 6, 3]], [[9, 20], [0, -7], [5, 5], [5, -5]]]
    assert (lesson.rows, lesson.state) == (3, 307599695)
    assert weights(teach(network, 200, rule=Rule(1, 0, 1, 0), skip=18))[0] == [[11, 7, 6, 3]]
    assert weights(teach(network, 200, rule=Rule(1, 0, 1, 0), skip=19))[0] == HIDDEN


def deep(network):
    """Return the network with a third layer."""
    third = Layer(Dense(np.ones((2, 2), np.int8)), Neuron(4))
    return replace(network, layers=(*network.layers, third))


def wide(network):
    """Return the network with a hidden layer whose potentials fit 32 bits with the weights it has,
    and not with any that it may learn.
    """
    hidden = replace(network.layers[0], neuron=Neuron(1_049_050))
    layers = (hidden, network.layers[1])
    return replace(network, layers=layers, ticks_per_unit=1023, last_tick=1024)


@pytest.mark.parametrize(
    ("change", "arguments", "sentence"),
    [
        (deep, {}, r"learning needs 2 \(hidden, output\), this network has 3"),
        (wide, {}, "layers.0: its potentials may need 33 bits while it learns"),
        (None, {"state": 0}, r"state: must be in 1\.\.2\^32 - 1, not 0"),
        (None, {"state": 1 << 32}, "state: must be"),
        (None, {"label": 2}, r"label 2, skip 0: must be in 0\.\.1 and 0\.\.255"),
        (None, {"skip": 256}, "label 0, skip 256"),
    ],
)
def test_what_cannot_learn_is_refused(change, arguments, sentence):
    network = machine(HIDDEN, OUTPUT)
    network = network if change is None else change(network)
    with pytest.raises(InputError, match=sentence):
        teach(network, 200, rule=Rule(6, 100), **arguments)


@pytest.mark.parametrize(
    ("constants", "sentence"),
    [
        ((-1, 0), "margin -1 and reach 0 must be in 0"),
        ((0, -1), "margin 0 and reach -1 must be in 0"),
        ((2**31, 0), "margin 2147483648 and reach 0 must be in 0"),
        ((0, 2**31), "margin 0 and reach 2147483648 must be in 0"),
        ((0, 0, 0), r"rivals 0 must be in 1\.\.255"),
        ((0, 0, 1, 9), r"noise_bits 9 in 0\.\.8"),
    ],
)
def test_constants_out_of_range_are_refused(constants, sentence):
    with pytest.raises(InputError, match=sentence):
        Rule(*constants)
