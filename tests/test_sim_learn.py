"""The learning rule against hand-made cases, and the compiled rule against the obvious one."""

import numpy as np
import pytest
from hypothesis import given

from random_networks import random_images, seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity, encode
from sim.errors import InputError
from sim.fixed_point import WeightFormat
from sim.learning.supervised import Rule, learn, step, watch_image
from sim.learning.supervised_batch import Learner
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.first_spike import FirstSpike

# Intensity 200 spikes at tick 0, 150 at tick 2, 120 at tick 1, 0 never. With T = 4 and R = 2 a
# neuron starts at
# potential -8 and current -4; a weight of 12, 8 or 6 at tick 0 makes it fire at tick 1, 2 or 4, one
# of 4 or less never.
CODE = np.select(
    [np.arange(256) > 180, np.arange(256) > 140, np.arange(256) > 100], [0, 2, 1], -1
).astype(np.int16)


def machine(hidden, output, bits=8):
    layers = (
        Layer(Dense(np.array(hidden, np.int8)), Neuron(4), weight_bits=bits),
        Layer(Dense(np.array(output, np.int8)), Neuron(4), weight_bits=bits),
    )
    inputs, classes = len(hidden), tuple(str(index) for index in range(len(output[0])))
    return Network(
        Intensity((1, inputs), 1, np.arange(inputs, dtype=np.int32), CODE),
        layers,
        FirstSpike(),
        2,
        12,
        classes,
    )


def weights(lesson):
    return [layer.weight.tolist() for layer in lesson.network.layers]


def teach(network, *pixels, label=0, rule, state=1, skip=0):
    return learn(network, np.array([pixels], np.uint8), label, rule, state, skip)


# Hidden neurons fire at ticks 1, 2 and 4, the last is silent with current -1; output 0 fires at
# tick 4, 1 at tick 2.
HIDDEN = [[12, 8, 6, 3]]
OUTPUT = [[9, 20], [-1, -7], [5, 5], [5, -5]]


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


def lively_network(seed):
    """Draw two layers whose outputs often fire: many positive weights, low thresholds, input spikes
    all along.
    """
    rng = np.random.default_rng(seed)
    sizes, bits = rng.integers((2, 2, 2), (10, 8, 5)), rng.integers(2, 9, 2)
    last_tick = int(rng.integers(4, 20))
    code = np.append(rng.integers(-1, last_tick + 1, 255), 0).astype(np.int16)
    layers = []
    for fan_in, fan_out, width in zip(sizes, sizes[1:], bits, strict=False):
        form = WeightFormat(int(width))
        weight = rng.integers(form.low, form.high + 1, (fan_in, fan_out))
        weight = np.where(rng.random(weight.shape) < 0.7, np.abs(weight), weight).clip(
            form.low, form.high
        )
        layers.append(
            Layer(
                Dense(weight.astype(np.int8)),
                Neuron(int(rng.integers(1, 2 + form.high // 2))),
                weight_bits=int(width),
            )
        )
    pool, inputs = int(rng.integers(1, 3)), int(sizes[0])
    pixels = np.sort(rng.permutation(inputs + 2)[:inputs]).astype(np.int32)
    encoder = Intensity((pool, pool * (inputs + 2)), pool, pixels, code)
    return Network(
        encoder,
        tuple(layers),
        FirstSpike(),
        int(rng.integers(1, 5)),
        last_tick,
        tuple(map(str, range(sizes[2]))),
    )


def course(seed, images=12):
    """Draw a network, labelled images, skipping, and a rule."""
    rng = np.random.default_rng(seed)
    network = lively_network(seed)
    labels = rng.integers(0, len(network.classes), images)
    skip = rng.integers(0, 256, images) * rng.integers(0, 2, images)
    limits = ((0, 4), (0, 2 + network.layers[0].threshold), (1, 4), (0, 9))
    rule = Rule(*(int(rng.integers(*limit)) for limit in limits))
    return network, random_images(network, images, seed), labels, skip, rule


@given(seeds)
def test_batch_equals_one_by_one(seed):
    network, images, labels, skip, rule = course(seed)
    state = seed + 1 if seed + 1 < 1 << 32 else 1
    learner = Learner(network, rule, state)
    lessons = learner.learn(images, labels, skip)
    for index, image in enumerate(images):
        lesson = learn(network, image, int(labels[index]), rule, state, int(skip[index]))
        assert lesson.decision == run(network, image).decision
        found = (
            lessons.decision[index],
            lessons.updated[index],
            lessons.rows[index],
            lessons.changed[index],
        )
        assert found == (lesson.decision, lesson.updated, lesson.rows, lesson.changed)
        network, state = lesson.network, lesson.state
    assert learner.state == state
    assert learner.network.digest == network.digest


def test_random_courses_reach_every_corner():
    """The property above means little unless its images teach or not, end early or late, with every
    kind of neuron.
    """
    seen = set()
    for seed in range(200):
        network, images, labels, skip, rule = course(seed)
        silent = network.last_tick + 1
        for image, label, chance in zip(images, labels, skip, strict=True):
            lesson = learn(network, image, int(label), rule, seed + 1, int(chance))
            watch = watch_image(network, image, int(label), rule.margin)
            end = watch.output_tick[label] + rule.margin
            near = (watch.hidden_tick == silent) & (watch.hidden_current > -rule.reach)
            together = np.isin(watch.hidden_tick[watch.hidden_tick < silent], watch.output_tick)
            late = watch.input_tick[watch.inputs][:, np.newaxis] >= watch.hidden_tick
            facts = {
                "near": near.any(),
                "together": together.any(),
                "late input": late.any(),
                "early end": end < silent,
            }
            facts["spikes left"] = (encode(network.encoder, image[np.newaxis]) == end).any()
            facts["none changed"] = lesson.changed == 0
            facts["skipped"] = lesson.rows < len(watch.inputs) + (watch.hidden_tick < silent).sum()
            seen |= {(lesson.updated, name, bool(value)) for name, value in facts.items()}
    names = (
        "near",
        "together",
        "late input",
        "early end",
        "spikes left",
        "none changed",
        "skipped",
    )
    assert seen >= {(True, name, value) for name in names for value in (True, False)}
    assert (False, "none changed", True) in seen


def test_what_cannot_learn_is_refused():
    network = machine(HIDDEN, OUTPUT)
    image = np.array([[200]], np.uint8)
    deep = Network(
        network.encoder,
        (*network.layers, Layer(Dense(np.ones((2, 2), np.int8)), Neuron(4))),
        FirstSpike(),
        2,
        12,
        ("0", "1"),
    )
    with pytest.raises(InputError, match="needs 2"):
        learn(deep, image, 0, Rule(6, 100), 1)
    wide = Network(
        network.encoder,
        (Layer(Dense(network.layers[0].weight), Neuron(1_049_050)), network.layers[1]),
        FirstSpike(),
        1023,
        1024,
        ("0", "1"),
    )
    with pytest.raises(InputError, match="while it learns"):
        Learner(wide, Rule(6, 100))
    with pytest.raises(InputError, match="state: must be"):
        Learner(network, Rule(6, 100), 0)
    with pytest.raises(InputError, match="label 2"):
        learn(network, image, 2, Rule(6, 100), 1)
    with pytest.raises(InputError, match="skip: must be 1 integers"):
        Learner(network, Rule(6, 100)).learn(image[np.newaxis], np.array([0]), np.array([256]))
    with pytest.raises(InputError, match="must be at least 0"):
        Rule(-1, 0)
    with pytest.raises(InputError, match=r"noise_bits 9 in 0\.\.8"):
        Rule(0, 0, 1, 9)
