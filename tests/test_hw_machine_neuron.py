"""The arithmetic of a lane against integers, over every value of small widths."""

from itertools import product as every

import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.machine.neuron import at_least, product, window
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
