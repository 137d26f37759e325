"""Every input neuron to every neuron of the layer: one spike looks up one row of weights."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sim.connections.connection import Visit
from sim.errors import check_keys, checked_array, require
from sim.fixed_point import Bounds, WeightFormat


@dataclass(frozen=True, eq=False)
class Dense:
    """A matrix of weights.

    :param weight: int8 (fan_in, fan_out); row i is what one spike of input neuron i looks up.
    :raises InputError: it is of another type or shape.
    """

    weight: npt.NDArray[np.int8]

    def __post_init__(self) -> None:
        weight = checked_array(self.weight, np.int8, 2, "weight")
        require(weight.size > 0, "weight", "must have at least one row and one column")
        object.__setattr__(self, "weight", weight)

    @classmethod
    def read(cls, settings: Any, tensors: dict[str, npt.NDArray[Any]], layer: str) -> Self:
        """Return the connection of ``layer`` of a network's file, and take its weights out of
        ``tensors``.

        :raises InputError: there are settings, or the weights are of another type or shape.
        """
        check_keys(settings, "connection", ())
        return cls(tensors.pop(f"{layer}.weight"))

    def with_weight(self, weight: npt.NDArray[np.int8]) -> Self:
        """Return the connection with other weights.

        :raises InputError: they are of another type or shape.
        """
        return replace(self, weight=weight)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of a network's file that belong to it, under their names there."""
        return {"weight": self.weight}

    def settings(self) -> dict[str, Any]:
        """Return what a network's file says of it in JSON, without its kind: nothing."""
        return {}

    @property
    def fan_in(self) -> int:
        """Number of input neurons: rows."""
        return self.weight.shape[0]

    @property
    def fan_out(self) -> int:
        """Number of neurons that are fed: weights in a row."""
        return self.weight.shape[1]

    @property
    def channels_out(self) -> int:
        """Number of weights in a word: a row is one word."""
        return self.fan_out

    @property
    def positions(self) -> int:
        """Number of output positions: one."""
        return 1

    @property
    def sizes(self) -> str:
        """The sizes, for people."""
        return f"{self.fan_in} x {self.fan_out}"

    def visits(self, source: int) -> list[Visit]:
        """Return what an event of input neuron ``source`` looks up: its row."""
        return [Visit(source, 0)]

    def deliver(self, source: int, current: npt.NDArray[np.int64]) -> None:
        """Look up the row of input neuron ``source`` and add it to the currents (fan_out,)."""
        current += self.weight[source]

    def inflows(self) -> list[Bounds]:
        """Return, per neuron, the least and the greatest sum of weights that can reach it if every
        input neuron spikes at most once.
        """
        weight = self.weight.astype(np.int64)
        low = np.minimum(weight, 0).sum(axis=0).tolist()
        high = np.maximum(weight, 0).sum(axis=0).tolist()
        return [Bounds(*pair) for pair in zip(low, high, strict=True)]

    def inflow_of_format(self, form: WeightFormat) -> Bounds:
        """Return the sums that can reach a neuron whatever the weights become within a format."""
        return Bounds(self.fan_in * form.low, self.fan_in * form.high)
