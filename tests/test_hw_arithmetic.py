"""The shared arithmetic against Python's own."""

import random
from itertools import pairwise

import pytest
from amaranth.hdl import Const, Module, Signal, signed
from amaranth.lib import wiring
from hypothesis import given, settings

from hw.arithmetic import (
    Candidate,
    digits,
    highest,
    leaked,
    lowest,
    quotient,
    several,
    times,
    total,
)
from random_networks import seeds
from testbenches import simulate

ROUNDS = 20


class Built(wiring.Component):
    """What ``build`` makes of ``inputs`` signals; it is called with a module and them."""

    def __init__(self, inputs, build):
        self.inputs, self.build = inputs, build
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        self.found = self.build(m, self.inputs)
        return m


def look_at(inputs, build, draw, check, rounds=ROUNDS):
    """Give the inputs random values, again and again, and check what was built of them."""
    dut = Built(inputs, build)

    async def testbench(ctx):
        for _ in range(rounds):
            values = [draw() for _ in inputs]
            for signal, value in zip(inputs, values, strict=True):
                ctx.set(signal, value)
            found = dut.found if isinstance(dut.found, tuple) else (dut.found,)
            check(values, *(ctx.get(each) for each in found))

    simulate(dut, testbench)


@pytest.mark.parametrize("factor", [1, 2, 3, 38, 600])
def test_times_is_multiplication_without_a_multiplier(factor):
    value = Signal(3)
    assert "*" not in repr(times(value, factor))

    def check(values, product):
        assert product == values[0] * factor

    draws = random.Random(factor)
    look_at([value], lambda m, s: times(s[0], factor), lambda: draws.randrange(8), check)


@pytest.mark.parametrize(
    ("divisor", "limit"),
    [(1, 9), (2, 33), (3, 100), (7, 7), (7, 8), (12, 144), (28, 784), (9, 2000)],
)
def test_a_quotient_is_right_for_every_value(divisor, limit):
    value, values = Signal(range(limit)), iter(range(limit))
    found = quotient(value, divisor, limit)
    assert "//" not in repr(found)

    def check(values, seen):
        assert seen == values[0] // divisor

    look_at([value], lambda m, s: found, lambda: next(values), check, rounds=limit)


@settings(max_examples=10)
@given(seeds)
def test_a_total_is_as_wide_as_its_sum_may_become(seed):
    rng = random.Random(seed)
    bits = rng.randrange(1, 9)
    terms = [Signal(signed(bits)) for _ in range(rng.randrange(1, 40))]

    def check(values, found):
        assert found == sum(values)

    extremes = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    look_at(terms, lambda m, s: total(s), lambda: rng.choice((*extremes, 0)), check)


@settings(max_examples=10)
@given(seeds)
def test_the_lowest_of_any_bits_and_whether_there_are_several(seed):
    rng = random.Random(seed)
    bits, density = [Signal() for _ in range(rng.randrange(1, 40))], rng.random() ** 3

    def build(m, signals):
        return *lowest(m, signals), several(signals)

    def check(values, found, index, more):
        assert (found, more) == (any(values), sum(values) > 1)
        if found:
            assert index == values.index(1)

    look_at(bits, build, lambda: int(rng.random() < density), check)


@settings(max_examples=10)
@given(seeds)
def test_the_highest_candidate_then_the_lowest_lane(seed):
    """Few values, so that many are equal; those that do not exist may be the highest."""
    rng = random.Random(seed)
    lanes = rng.randrange(1, 20)
    inputs = [Signal(5) for _ in range(lanes)]  # a value of four bits, and whether it exists

    def build(m, signals):
        candidates = [
            Candidate(each[4], each[:4].as_signed(), Const(lane, range(lanes)))
            for lane, each in enumerate(signals)
        ]
        best = highest(m, candidates, 4, lanes)
        return best.exists, best.value, best.lane

    def check(values, exists, value, lane):
        there = {
            index: (each & 15) - 2 * (each & 8) for index, each in enumerate(values) if each >> 4
        }
        assert exists == bool(there)
        if there:
            assert (value, lane) == max(
                ((value, lane) for lane, value in there.items()),
                key=lambda each: (each[0], -each[1]),
            )

    few = rng.sample(range(16), 3)
    look_at(inputs, build, lambda: rng.choice(few) | (rng.random() < 0.6) << 4, check)


@pytest.mark.parametrize("factor", [0, 1, 77, 128, 171, 192, 224, 240, 248, 252, 254, 255, 256])
def test_a_leak_rounds_towards_zero(factor):
    """All values of ten bits: one shift, several digits, everything and nothing."""
    value = Signal(signed(10))
    dut = Built([value], lambda m, inputs: leaked(*inputs, factor))

    async def testbench(ctx):
        for number in range(-512, 512):
            ctx.set(value, number)
            assert ctx.get(dut.found) == int(number * factor / 256)

    simulate(dut, testbench)


def test_signed_digits_are_few():
    for factor in range(257):
        found = digits(factor)
        assert sum(digit << bit for bit, digit in found) == factor
        bits = [bit for bit, _ in found]
        assert all(after - before > 1 for before, after in pairwise(bits))
