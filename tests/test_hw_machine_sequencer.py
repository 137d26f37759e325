"""The steps of an image with readouts that take their time: nothing of a tick is read before its
verdict.
"""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped
from hypothesis import given, settings

from courses import assert_learns_alike, random_course
from hw.bench.simulate import Simulation, compare, simulate
from hw.parameters import FULL, MachineParameters
from hw.readouts import READOUTS
from hw.readouts.first_spike import FirstSpike
from random_networks import random_images, random_network, seeds
from sim.pipeline import run
from timed_networks import timed_network

IMAGES = 4


class LateReadout(wiring.Component):
    """The first spike, its verdict ``cycles`` later than it could be."""

    def __init__(self, parameters, cycles):
        self.readout, self.cycles = FirstSpike(parameters), cycles
        super().__init__(dict(self.readout.signature.members.items()))

    def elaborate(self, platform):
        m = Module()
        m.submodules.readout = self.readout
        connect(m, flipped(self.i), self.readout.i)
        verdict = self.readout.o.payload
        valid, ended, winner = self.readout.o.valid, verdict.ended, verdict.winner
        for _ in range(self.cycles):
            before = valid, ended, winner
            valid, ended, winner = (Signal.like(each) for each in before)
            m.d.sync += [
                after.eq(each) for after, each in zip((valid, ended, winner), before, strict=True)
            ]
        m.d.comb += [
            self.o.valid.eq(valid),
            self.o.payload.ended.eq(ended),
            self.o.payload.winner.eq(winner),
        ]
        return m


def images_cycles(network, lanes, images, cycles):
    """Run images through a pipeline whose readout is late; each equals sim."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(READOUTS, "first_spike", lambda layer: LateReadout(layer, cycles))
        found = Simulation(MachineParameters(network, lanes), "amaranth").run(images)
    for index, trace in enumerate(found):
        compare(index, run(network, images[index]), trace)
    return [trace.cycles for trace in found]


@settings(max_examples=12)
@given(seeds)
def test_a_readout_may_take_its_time(seed):
    """Any number of cycles, with any lanes; each costs at most a cycle per tick."""
    network, rng = random_network(seed), np.random.default_rng(seed)
    widest = max(layer.fan_out for layer in network.layers)
    lanes, cycles = int(rng.integers(1, widest + 1)), int(rng.integers(1, 9))
    images = random_images(network, IMAGES, seed)
    soon = images_cycles(network, lanes, images, 0)
    late = images_cycles(network, lanes, images, cycles)
    ticks = [run(network, image).tick for image in images]
    for before, after, tick in zip(soon, late, ticks, strict=True):
        assert before <= after <= before + tick * cycles


@settings(max_examples=3)
@given(seeds)
def test_a_lesson_waits_for_the_verdict(seed):
    network, rule, course = random_course(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(READOUTS, "first_spike", lambda layer: LateReadout(layer, 5))
        assert_learns_alike(network, rule, course, FULL)


@pytest.mark.parametrize("lanes", [1, FULL])
def test_neurons_that_start_at_their_level_fire_at_tick_0(lanes):
    """Hidden neuron 0 does, before any event; in the second network an output, which ends the image
    with nothing of it read.
    """
    for starts, tick, events in (([7, 0], 2, [3, 1]), ([0, 0], 6, [3, 0])):
        network = timed_network(([[0, 0]] * 3, 5), ([[9, 0], [0, 9]], 5), inputs=3)
        hidden = replace(network.layers[0], start=np.array(starts, np.int32))
        network = replace(network, layers=(hidden, network.layers[1]))
        found = first_of(network, lanes)
        assert (found.trace.tick, found.events) == (tick, events)

    output = replace(network.layers[1], start=np.array([4, 6], np.int32))
    found = first_of(replace(network, layers=(network.layers[0], output)), lanes)
    assert (found.trace.tick, found.events, found.trace.decision) == (0, [0, 0], 1)


def first_of(network, lanes):
    """The first of two bright images and a dark one, after each was compared with sim."""
    images = np.array([[[1, 1, 1]], [[0, 0, 0]], [[1, 1, 1]]], np.uint8)
    found = [*simulate(Simulation(MachineParameters(network, lanes), "amaranth"), images)]
    return found[0]
