"""The arithmetic of a lane against integers, over every value of small widths."""

from itertools import product as every

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Signal, signed
from amaranth.lib import data, wiring
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.machine.neuron import Inputs, at_least, make_lane, product, window
from sim.fixed_point import truncated
from sim.neuron import Neuron
from testbenches import simulate

BITS = 4


class Product(wiring.Component):
    """A weight of ``BITS`` bits times the ticks that are left."""

    def __init__(self, lefts, signs=False):
        self.lefts, self.signs = lefts, signs
        self.weight, self.left = Signal(signed(BITS)), Signal(range(max(lefts) + 1))
        self.worth = Signal(signed(12))
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.worth.eq(product(self.weight, self.left, self.lefts, self.signs))
        return m


def assert_product(dut, weights):
    async def testbench(ctx):
        for weight, left in every(weights, dut.lefts):
            ctx.set(dut.weight, weight)
            ctx.set(dut.left, left)
            assert ctx.get(dut.worth) == weight * left

    simulate(dut, testbench)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_a_weight_times_any_ticks_that_may_be_left(lefts):
    assert_product(Product(lefts), range(-8, 8))


@pytest.mark.parametrize("lefts", [(1,), (1, 2, 3), (0, 5)])
def test_a_sign_times_the_ticks_that_are_left(lefts):
    assert_product(Product(lefts, signs=True), (-1, 1))


class Window(wiring.Component):
    """One neuron of ``BITS`` bits."""

    def __init__(self):
        self.potential, self.addend = Signal(signed(BITS)), Signal(signed(BITS))
        self.asked, self.fires, self.after = Signal(), Signal(), Signal(signed(BITS))
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        after, fires = window(m, self.potential, self.addend, self.asked)
        m.d.comb += [self.after.eq(after), self.fires.eq(fires)]
        return m


def test_who_is_asked_fires_at_its_level_and_is_below_all_levels_then():
    """Every potential and every change of it that four bits hold."""
    dut = Window()

    async def testbench(ctx):
        for potential, addend, asked in every(range(-8, 8), range(-8, 8), (0, 1)):
            moved = potential + addend
            if not -8 <= moved < 8:
                continue
            for signal, value in zip(
                (dut.potential, dut.addend, dut.asked), (potential, addend, asked), strict=True
            ):
                ctx.set(signal, value)
            fires = asked and moved >= 0
            assert ctx.get(dut.fires) == fires
            assert ctx.get(dut.after) == (moved - 8 if fires else moved)

    simulate(dut, testbench)


class Compared(wiring.Component):
    """Whether a number of ``BITS`` bits is so much or more."""

    def __init__(self, least):
        self.least, self.value, self.enough = least, Signal(signed(BITS)), Signal()
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.enough.eq(at_least(self.value, self.least))
        return m


@pytest.mark.parametrize("least", range(-10, 11))
def test_a_comparison_with_a_constant_is_one_with_integers(least):
    """Also with one that is below, or above, all that the bits can say."""
    dut = Compared(least)

    async def testbench(ctx):
        for value in range(-8, 8):
            ctx.set(dut.value, value)
            assert ctx.get(dut.enough) == (value >= least)

    simulate(dut, testbench)


class Lane(wiring.Component):
    """One neuron of ``BITS`` bits without a current."""

    def __init__(self, neuron):
        self.lane = make_lane(neuron, output=False)
        fields = {"potential": signed(BITS), **self.lane.fields}
        self.state, self.after = (Signal(data.StructLayout(fields)) for _ in range(2))
        self.weight, self.advance, self.fires = Signal(signed(BITS)), Signal(), Signal()
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        inputs = Inputs(Const(0), self.state, self.weight, self.advance, Const(0))
        found = self.lane.update(m, inputs)
        m.d.comb += [self.after.potential.eq(found.kept), self.fires.eq(found.fires)]
        m.d.comb += [self.after[name].eq(value) for name, value in found.memory.items()]
        return m


@pytest.mark.parametrize("membrane", [0, 97, 128, 192, 224, 255, 256])
@pytest.mark.parametrize("reset", ["once", "zero", "subtract", "never"])
def test_a_neuron_without_a_current_is_one_word(reset, membrane):
    """What a pass leaves is the potential after the reset and the next leak; a weight is added."""
    threshold = 3
    dut = Lane(Neuron(threshold, membrane, 0, reset, ramp=False))
    assert not dut.lane.keeps_current

    async def testbench(ctx):
        for potential, fired in every(range(-8, 8), range(2)):
            memory = {"fired": fired} if reset == "once" else {}
            ctx.set(dut.state, {"potential": potential, **memory})
            ctx.set(dut.advance, 1)
            fires = reset != "never" and potential >= threshold and not memory.get("fired")
            assert ctx.get(dut.fires) == fires

            left = 0 if fires and reset == "zero" else potential
            left = int(truncated(membrane, np.array(left)))
            left -= threshold * (fires and reset == "subtract")
            memory = {"fired": int(fires or fired)} if reset == "once" else {}
            assert ctx.get(dut.after) == {"potential": left, **memory}

            ctx.set(dut.advance, 0)
            for weight in range(max(-8 - potential, -8), min(7 - potential, 7) + 1):
                ctx.set(dut.weight, weight)
                assert not ctx.get(dut.fires)
                assert ctx.get(dut.after.potential) == potential + weight

    simulate(dut, testbench)


@pytest.mark.parametrize("least", [8, 9, 1000])
def test_no_value_reaches_a_level_that_is_wider_than_it_is(least):
    assert isinstance(at_least(Signal(signed(BITS)), least), Const)
