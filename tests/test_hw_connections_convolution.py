"""What the events of a convolution look up, against sim: every word and fold, each in its cycle."""

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings

from hw.connections import make_visits
from hw.rows import Rows
from random_networks import any_network, seeds
from sim.connections.convolution import Convolution
from sim.network import Layer
from sim.neuron import Neuron
from testbenches import simulate


def random_visits(seed):
    """Return the visits of a convolution of a random network, with any lanes that divide its
    channels.
    """
    layers = [each for each in any_network(seed).layers if isinstance(each.connection, Convolution)]
    assume(layers)
    channels = layers[0].connection.channels_out
    rng = np.random.default_rng(seed)
    lanes = int(rng.choice([each for each in range(1, channels + 1) if channels % each == 0]))
    return make_visits(Rows(layers[0], lanes))


def kernel_of(kernel, stride, channels=4, lanes=2, size=9):
    weight = np.zeros((1, *kernel, channels), np.int8)
    layer = Layer(Convolution(weight, (size, size, 1), stride), Neuron(1))
    return make_visits(Rows(layer, lanes))


def wanted(dut, source):
    """What sim looks up, in words of ``lanes`` weights."""
    folds = dut.rows.folds_per_position
    visits = dut.rows.layer.connection.visits(source)
    return [
        (word * folds + fold, position * folds + fold)
        for word, position in visits
        for fold in range(folds)
    ]


def run(dut, sources, rng=None):
    """Return (cycle, word, fold) of all visits of some events; with pauses if there are random
    numbers.
    """
    found = []

    async def testbench(ctx):
        pending, offering, cycle = list(sources), False, 0
        while pending or not ctx.get(dut.idle):
            offering = bool(pending) and (offering or rng is None or rng.random() < 0.6)
            ctx.set(dut.i.valid, offering)
            ctx.set(dut.i.payload, pending[0] if offering else 0)
            ctx.set(dut.o.ready, rng is None or rng.random() < 0.7)
            *_, taken, valid, ready, visit = await ctx.tick().sample(
                dut.i.ready, dut.o.valid, dut.o.ready, dut.o.payload
            )
            if offering and taken:
                pending.pop(0)
                offering = False
            if valid and ready:
                found.append((cycle, visit.word, visit.fold))
            cycle += 1

    simulate(dut, testbench)
    return found


@pytest.mark.parametrize("pauses", [False, True])
@settings(max_examples=15)
@given(seeds)
def test_every_event_looks_up_what_sim_says(pauses, seed):
    dut, rng = random_visits(seed), random.Random(seed)
    sources = [rng.randrange(dut.rows.layer.fan_in) for _ in range(8)]
    found = run(dut, sources, rng if pauses else None)
    expected = [each for source in sources for each in wanted(dut, source)]
    assert [(word, fold) for _, word, fold in found] == expected


@settings(max_examples=15)
@given(seeds)
def test_no_fold_comes_twice_in_two_following_cycles(seed):
    dut, rng = random_visits(seed), random.Random(seed)
    found = run(dut, [rng.randrange(dut.rows.layer.fan_in) for _ in range(12)])
    for (cycle, _, fold), (next_cycle, _, next_fold) in pairwise(found):
        assert next_cycle > cycle + (fold == next_fold)


def test_cycles_are_one_per_visit_and_one_more_where_a_fold_follows_itself():
    """The middle of the map is seen from four outputs, the corner from one."""
    dut = kernel_of((4, 4), 2)
    middle = run(dut, [4 * 9 + 4] * 3)
    assert [cycle for cycle, *_ in middle] == list(range(4, 4 + 3 * 4 * 2))
    corner = run(kernel_of((4, 4), 2, lanes=4), [0] * 3)
    assert [cycle for cycle, *_ in corner] == [4, 6, 8]


@pytest.mark.parametrize(
    ("size", "step", "lanes"), [(28, 2, 8), (28, 3, 16), (28, 5, 8), (28, 5, 16), (12, 3, 8)]
)
def test_events_of_a_sample_stall_in_at_most_one_cycle_of_twenty(size, step, lanes):
    """A bar of the hardware, for a kernel of 5 with stride 2 and one fold per position or two."""
    dut, sources = kernel_of((5, 5), 2, 16, lanes, size), list(range(0, size * size, step))
    found = run(dut, sources)
    stalls = found[-1][0] - found[0][0] + 1 - len(found)
    assert stalls <= len(found) / 20


def test_an_event_that_meets_no_output_takes_a_cycle_and_looks_up_nothing():
    """Of 9 inputs a kernel of 2 with stride 3 sees 0, 1, 3, 4, 6 and 7."""
    dut = kernel_of((2, 2), 3)
    assert run(dut, [2, 18, 80]) == []
    found = run(dut, [2, 0, 18, 30])
    assert [(word, fold) for _, word, fold in found] == wanted(dut, 0) + wanted(dut, 30)
