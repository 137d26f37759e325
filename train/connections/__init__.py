"""How activations of one layer reach the next, in training: twins of :mod:`sim.connections`.

Activations are (batch, neurons) everywhere, in the order of neurons that :mod:`sim` has; weights
have :mod:`sim`'s shapes, the output channel last.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from sim.connections.connection import Connection as MachineConnection


class Connection(Protocol):
    """What a layer of any kind asks of its connection: a frozen dataclass of sizes."""

    @property
    def fan_in(self) -> int:
        """Number of neurons that feed the layer."""
        ...

    @property
    def fan_out(self) -> int:
        """Number of neurons of the layer."""
        ...

    @property
    def channels_out(self) -> int:
        """Number of output channels: neurons at one position."""
        ...

    @property
    def output(self) -> tuple[int, int, int]:
        """(height, width, channels) of the map that is fed."""
        ...

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weights."""
        ...

    @property
    def weights_per_neuron(self) -> int:
        """Number of weights that a neuron sums at most."""
        ...

    def apply(self, activations: Tensor, weight: Tensor) -> Tensor:
        """Return the sums (batch, fan_out) of weights times activations (batch, fan_in)."""
        ...

    def machine(self, weight: npt.NDArray[np.int8]) -> MachineConnection:
        """Return the machine's connection with these weights."""
        ...
