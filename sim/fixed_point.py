"""Rounding, range and width: the only place where a real number becomes an integer and where bits
are counted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt


class Roundable(Protocol):
    """A NumPy array or a PyTorch tensor: both round half to even and clip alike."""

    def round(self) -> Self: ...  # noqa: D102
    def clip(self, low: int, high: int, /) -> Self: ...  # noqa: D102


T = TypeVar("T", bound=Roundable)


@dataclass(frozen=True)
class WeightFormat:
    """Signed integers of ``bits`` bits, two's complement: -2^(bits-1) ... 2^(bits-1) - 1.

    :param bits: 1..8.
    :param signs: of one bit: it is -1 or +1 in place of -1 or 0.
    """

    bits: int
    signs: bool = False

    @property
    def low(self) -> int:
        """The smallest weight."""
        return -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """The largest weight."""
        return 1 if self.signs else (1 << (self.bits - 1)) - 1

    def holds(self, value: npt.NDArray[np.integer[Any]]) -> bool:
        """Whether all integers of an array are of this format."""
        inside = self.low <= value.min() and value.max() <= self.high
        return bool(inside) and not (self.signs and (value == 0).any())

    def round(self, value: T) -> T:
        """Round to the nearest weight, halves to even, saturating at both ends; arrays and tensors
        alike. Signs have no nearest weight to 0: see :mod:`train.quantize`.
        """
        return value.round().clip(self.low, self.high)


@dataclass(frozen=True)
class Bounds:
    """An inclusive range of integers that a signal provably never leaves."""

    low: int
    high: int

    @property
    def bits(self) -> int:
        """Width of the narrowest two's complement number that represents the range."""
        return max(signed_bits(self.low), signed_bits(self.high))


def signed_bits(value: int) -> int:
    """Return the width of the narrowest two's complement number that represents ``value``."""
    return (value if value >= 0 else ~value).bit_length() + 1


def union(bounds: Iterable[Bounds]) -> Bounds:
    """Return the narrowest bounds that contain all of these; at least one."""
    every = list(bounds)
    return Bounds(min(each.low for each in every), max(each.high for each in every))


def truncated(factor: int, value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return what a leak leaves of integers: factor / 256 of each, rounded towards zero.

    :param factor: 0..256; 256 leaves all of it.
    """
    return np.sign(value) * (np.abs(value) * factor >> 8)
