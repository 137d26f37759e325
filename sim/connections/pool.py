"""Cells of a map to one neuron per channel: nothing is looked up, and no weight is stored."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sim.connections.connection import Visit
from sim.connections.convolution import Convolution
from sim.errors import InputError, check_keys, is_integer, require
from sim.fixed_point import Bounds, WeightFormat


@dataclass(frozen=True, eq=False)
class Pool:
    """Cells of ``size`` x ``size`` positions of a map.

    An event of neuron (y, x, channel) adds 1 to neuron (y // size, x // size, channel); cells that
    the map holds only a part of are none, and their events reach nobody. Neurons that fire once,
    with a threshold of 1, pass the first spike of a cell (in state units, where weights enter times
    2^F: T = 2^F).

    :param input: (height, width, channels) of the map that feeds it.
    :param size: 1 or more, positions along each side of a cell.
    :raises InputError: one of them is of another type or shape, or a cell is larger than the map.
    """

    input: tuple[int, int, int]
    size: int

    def __post_init__(self) -> None:
        shape: Any = self.input
        sizes = type(shape) in (list, tuple) and len(shape) == 3
        sizes = sizes and all(is_integer(size, 1, 2**15) for size in shape)
        require(sizes, "connection.input", "must be [height, width, channels], each at least 1")
        object.__setattr__(self, "input", tuple(shape))

        most = min(shape[:2])
        require(
            is_integer(self.size, 1, most),
            "connection.size",
            f"must be in 1..{most}, a cell within the map, not {self.size}",
        )
        self.as_convolution()  # it says what is too large

    @classmethod
    def read(cls, settings: Any, tensors: dict[str, npt.NDArray[Any]], layer: str) -> Self:
        """Return the connection of ``layer`` of a network's file; it has no array there.

        :raises InputError: a setting is missing, unknown or out of range.
        """
        return cls(**check_keys(settings, "connection", ("input", "size")))

    def with_weight(self, weight: npt.NDArray[np.int8]) -> Self:
        """Refuse: there are no weights.

        :raises InputError: always.
        """
        raise InputError("weight: a pool has none; leave its layer as it is.")

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of a network's file that belong to it: none."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Return what a network's file says of it in JSON, without its kind."""
        return {"input": list(self.input), "size": self.size}

    def as_convolution(self) -> Convolution:
        """Return the convolution that does the same, whose weights are 0 and 1."""
        return self._convolution

    @cached_property
    def _convolution(self) -> Convolution:
        channels = self.input[2]
        one = np.eye(channels, dtype=np.int8)[:, np.newaxis, np.newaxis]
        weight = np.broadcast_to(one, (channels, self.size, self.size, channels))
        return Convolution(weight, self.input, stride=self.size)

    @property
    def weight(self) -> npt.NDArray[np.int8]:
        """The weights of the convolution that does the same; none is stored, or looked up."""
        return self._convolution.weight

    @property
    def output(self) -> tuple[int, int, int]:
        """(height, width, channels) of the map that is fed."""
        return self._convolution.output

    @property
    def fan_in(self) -> int:
        """Number of input neurons."""
        return self._convolution.fan_in

    @property
    def fan_out(self) -> int:
        """Number of neurons that are fed."""
        return self._convolution.fan_out

    @property
    def channels_out(self) -> int:
        """Number of channels, on both sides."""
        return self.input[2]

    @property
    def positions(self) -> int:
        """Number of cells."""
        return self._convolution.positions

    @property
    def sizes(self) -> str:
        """The sizes, for people: from map to map, and the cell."""
        maps = (" x ".join(str(size) for size in each) for each in (self.input, self.output))
        return f"{' to '.join(maps)}, cells of {self.size} x {self.size}"

    def visits(self, source: int) -> list[Visit]:
        """Return which cell an event of input neuron ``source`` reaches; it may be none."""
        return self._convolution.visits(source)

    def deliver(self, source: int, current: npt.NDArray[np.int64]) -> None:
        """Add 1 for one event of input neuron ``source`` to the currents (fan_out,)."""
        _, width, channels = self.input
        pixel, channel = divmod(source, channels)
        y, x = (coordinate // self.size for coordinate in divmod(pixel, width))
        height_out, width_out, _ = self.output
        if y < height_out and x < width_out:
            current[(y * width_out + x) * channels + channel] += 1

    def inflows(self) -> list[Bounds]:
        """Return, per neuron, the least and the greatest sum that can reach it if every input
        neuron spikes at most once: all of its cell.
        """
        return [Bounds(0, self.size**2)] * self.fan_out

    def inflow_of_format(self, form: WeightFormat) -> Bounds:
        """Return the same: there are no weights to become others."""
        return Bounds(0, self.size**2)
