"""Rounding, range and width: the only place where a real number becomes an integer and where bits
are counted.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import numpy as np

if TYPE_CHECKING:
    from sim.network import Layer, Network


class Roundable(Protocol):
    """A NumPy array or a PyTorch tensor: both round half to even and clip alike."""

    def round(self) -> Self: ...  # noqa: D102
    def clip(self, low: int, high: int, /) -> Self: ...  # noqa: D102


T = TypeVar("T", bound=Roundable)


@dataclass(frozen=True)
class WeightFormat:
    """Signed integers of ``bits`` bits, two's complement: -2^(bits-1) ... 2^(bits-1) - 1."""

    bits: int

    @property
    def low(self) -> int:
        """The smallest weight."""
        return -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """The largest weight."""
        return (1 << (self.bits - 1)) - 1

    def round(self, value: T) -> T:
        """Round to the nearest weight, halves to even, saturating at both ends; arrays and tensors
        alike.
        """
        return value.round().clip(self.low, self.high)


@dataclass(frozen=True)
class Bounds:
    """An inclusive range of integers that a signal provably never leaves."""

    low: int
    high: int

    @property
    def bits(self) -> int:
        """Width of the two's complement number that holds the range."""
        return max(signed_bits(self.low), signed_bits(self.high))


def signed_bits(value: int) -> int:
    """Width of the narrowest two's complement number that holds ``value``."""
    return (value if value >= 0 else ~value).bit_length() + 1


def current_bounds(layer: "Layer") -> Bounds:
    """Exact bounds of a layer's currents over any input: each weight is added at most once, in any
    order.
    """
    weight = layer.weight.astype(np.int64)
    rises = np.maximum(weight, 0).sum(axis=0)
    falls = np.minimum(weight, 0).sum(axis=0)
    return Bounds(int(falls.min()) - layer.threshold, int(rises.max()) - layer.threshold)


def format_bounds(layer: "Layer") -> Bounds:
    """Bounds of a layer's currents whatever its weights become within their format: while it
    learns.
    """
    form = WeightFormat(layer.weight_bits)
    return Bounds(
        layer.fan_in * form.low - layer.threshold, layer.fan_in * form.high - layer.threshold
    )


def potential_bounds(network: "Network", index: int, current: Bounds | None = None) -> Bounds:
    """Exact bounds of the potentials of layer ``index`` over any input and all ticks, the start
    included.

    :param current: bounds of the layer's currents; None: those of its weights as they are.

    No spike reaches layer n before tick ``first`` + n (a layer needs one tick to answer), so the
    potential is -T (R + k) at tick k <= first + n and moves by at most the extreme current per tick
    after that.
    """
    layer = network.layers[index]
    first = min(network.encoder.first_tick + index, network.last_tick)
    base = -layer.threshold * (network.ticks_per_unit + first)
    current = current_bounds(layer) if current is None else current
    ticks = network.last_tick - first
    start = -layer.threshold * network.ticks_per_unit
    low = min(base, base + ticks * current.low)
    return Bounds(low, max(start, base + ticks * current.high))
