"""The little arithmetic that the parts share: no multiplier, and trees in place of chains."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed


def times(value: Value, factor: int) -> Value:
    """Return ``value * factor`` for a constant factor >= 1 as a sum of shifts: one adder per
    further set bit.
    """
    terms = [value << bit for bit in range(factor.bit_length()) if factor >> bit & 1]
    product = terms[0]
    for term in terms[1:]:
        product = product + term
    return product


def leaked(value: Value, factor: int) -> Value:
    """Return what a leak leaves of a signed value: ``factor`` / 256 of it, rounded towards zero.

    Where all but a power of two is left it is one addition, see :func:`leak`; other factors are
    sums of shifts by their signed digits.

    :param factor: 0..256; 256 leaves all of it.
    """
    if factor in (0, 256):
        return value if factor else Const(0, signed(1))
    if is_shift(factor):
        return with_carry(value, *leak(value, factor))

    # A shift rounds down, so what is negative gets all but 1 / 256 before.
    product = total(
        [(value << bit) if digit > 0 else -(value << bit) for bit, digit in digits(factor)]
    )
    return ((product + Mux(value[-1], 255, 0)) >> 8)[: len(value)].as_signed()


def is_shift(factor: int) -> bool:
    """Return whether a leak takes a power of two from 256, or nothing."""
    return (256 - factor).bit_count() <= 1


def leak(value: Value, factor: int) -> tuple[Value, Value]:
    """Return what a leak of one shift adds to a signed value, and the carry that goes with it.

    256 - 2^(8 - s) leaves v - v >> s, and takes one more where v is positive and loses bits.

    :param factor: see :func:`is_shift`.
    """
    if factor == 256:
        return Const(0, signed(1)), Const(0)
    shift = 9 - (256 - factor).bit_length()
    return ~(value >> shift), value[-1] | ~value[:shift].any()


def with_carry(value: Value, addend: Value, carry: Value) -> Value:
    """Return the sum of three, as wide as ``value``: ONE addition, with the carry in a bit below,
    where an addition of three would cost a second adder.
    """
    summed = Cat(carry, value).as_signed() + Cat(carry, addend).as_signed()
    return summed[1 : 1 + len(value)].as_signed()


def digits(factor: int) -> list[tuple[int, int]]:
    """Return the signed digits of a number, as few as can be: (bit, 1 or -1), lowest bit first."""
    found: list[tuple[int, int]] = []
    bit = 0
    while factor:
        if factor & 1:
            digit = 2 - (factor & 3)
            found.append((bit, digit))
            factor -= digit
        factor >>= 1
        bit += 1
    return found


def quotient(value: Value, divisor: int, limit: int) -> Value:
    """Return ``value // divisor`` for a constant divisor, as a product with its reciprocal.

    :param value: below ``limit``.
    :param divisor: 1 or more.
    :param limit: 1 or more.
    """
    if limit <= divisor:
        return Const(0, 1)

    # Any shift that is long enough will do; the one whose factor has fewest bits set costs least.
    values = np.arange(limit, dtype=np.int64)
    factors = [(shift, -((-1 << shift) // divisor)) for shift in range(2 * limit.bit_length() + 1)]
    right = [
        (factor.bit_count(), shift, factor)
        for shift, factor in factors
        if np.array_equal(values * factor >> shift, values // divisor)
    ]
    _, shift, factor = min(right)
    return (times(value, factor) >> shift)[: ((limit - 1) // divisor).bit_length()]


def total(terms: Sequence[Value]) -> Value:
    """Return the sum of ``terms``, as wide as it may become: a tree of adders."""
    if len(terms) == 1:
        return terms[0]

    half = len(terms) // 2
    return total(terms[:half]) + total(terms[half:])


def lowest(m: Module, bits: Sequence[Value]) -> tuple[Value, Value]:
    """Return whether any of ``bits`` is set, and the index of the lowest: a tree, log2(len(bits))
    multiplexers deep.
    """
    if len(bits) == 1:
        return bits[0], Const(0, 0)

    # The lower half is a power of two, so the upper half's index only gets one bit on top.
    half = 1 << ((len(bits) - 1).bit_length() - 1)
    low_any, low_index = lowest(m, bits[:half])
    high_any, high_index = lowest(m, bits[half:])

    found, index = Signal(), Signal(half.bit_length())
    m.d.comb += [
        found.eq(low_any | high_any),
        index.eq(Mux(low_any, low_index, high_index | half)),
    ]
    return found, index


def several(bits: Sequence[Value]) -> Value:
    """Return whether two or more of ``bits`` are set: a tree, as deep as :func:`lowest`."""
    return _one_and_several(bits)[1]


def _one_and_several(bits: Sequence[Value]) -> tuple[Value, Value]:
    """Return whether at least one of ``bits`` is set, and whether two or more are."""
    if len(bits) == 1:
        return bits[0], Const(0, 1)

    # Both answers of a half are needed, so the tree gives both.
    half = len(bits) // 2
    low_one, low_several = _one_and_several(bits[:half])
    high_one, high_several = _one_and_several(bits[half:])
    return low_one | high_one, low_several | high_several | (low_one & high_one)


class Candidate(NamedTuple):
    """A lane that may win a comparison: whether it takes part, its value, its index."""

    exists: Value
    value: Value
    lane: Value

    @classmethod
    def named(cls, name: str, bits: int, lanes: int) -> Self:
        """Return signals for a value of ``bits`` bits and one of ``lanes`` lanes."""
        return cls(
            Signal(name=f"{name}_exists", reset_less=True),
            Signal(signed(bits), name=f"{name}_value", reset_less=True),
            Signal(range(lanes), name=f"{name}_lane", reset_less=True),
        )


def highest(m: Module, candidates: Sequence[Candidate], bits: int, lanes: int) -> Candidate:
    """Return the candidate with the highest value, then the lowest lane: a tree of comparisons.

    :param candidates: in order of their lanes.
    :param bits: of a value.
    :param lanes: how many there are in all, for the width of the index.
    """
    if len(candidates) == 1:
        return candidates[0]

    half = 1 << ((len(candidates) - 1).bit_length() - 1)
    low, high = (highest(m, part, bits, lanes) for part in (candidates[:half], candidates[half:]))

    # Strictly higher: of equal values the lower lane wins.
    best, upper = Candidate.named("best", bits, lanes), Signal()
    m.d.comb += [
        upper.eq(high.exists & (~low.exists | (high.value > low.value))),
        best.exists.eq(low.exists | high.exists),
        best.value.eq(Mux(upper, high.value, low.value)),
        best.lane.eq(Mux(upper, high.lane, low.lane)),
    ]
    return best
