"""Every input neuron to every neuron of the layer: one spike looks up one row of weights."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

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

    @property
    def fan_in(self) -> int:
        """Number of input neurons: rows."""
        return self.weight.shape[0]

    @property
    def fan_out(self) -> int:
        """Number of neurons that are fed: weights in a row."""
        return self.weight.shape[1]

    @property
    def weights_per_event(self) -> int:
        """Number of weights that one event looks up: a row."""
        return self.fan_out

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

    def inflow(self) -> Bounds:
        """Return the least and the greatest sum that can reach any neuron; both are reached."""
        inflows = self.inflows()
        return Bounds(min(each.low for each in inflows), max(each.high for each in inflows))

    def inflow_of_format(self, form: WeightFormat) -> Bounds:
        """Return the sums that can reach a neuron whatever the weights become within a format."""
        return Bounds(self.fan_in * form.low, self.fan_in * form.high)
