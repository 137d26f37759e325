"""Every neuron to every neuron: twin of :mod:`sim.connections.dense`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from sim.connections.dense import Dense as MachineDense


@dataclass(frozen=True)
class Dense:
    """Sizes of a dense connection; its weights are (fan_in, fan_out).

    :param fan_in: number of neurons that feed the layer.
    :param fan_out: number of neurons of the layer.
    """

    fan_in: int
    fan_out: int

    @property
    def channels_out(self) -> int:
        """Number of output channels: all neurons, at one position."""
        return self.fan_out

    @property
    def output(self) -> tuple[int, int, int]:
        """(height, width, channels): a map of one position."""
        return 1, 1, self.fan_out

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weights, the output channel last."""
        return self.fan_in, self.fan_out

    @property
    def weights_per_neuron(self) -> int:
        """Number of weights that a neuron sums."""
        return self.fan_in

    def apply(self, activations: Tensor, weight: Tensor) -> Tensor:
        """Return the sums (batch, fan_out) of weights times activations (batch, fan_in)."""
        return activations @ weight

    def machine(self, weight: npt.NDArray[np.int8]) -> MachineDense:
        """Return the machine's connection with these weights."""
        return MachineDense(weight)
