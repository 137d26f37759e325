"""The neurons of one layer while an image is running: the only place where a neuron's state
changes.
"""

import numpy as np
import numpy.typing as npt

from sim.network import Layer


class Neurons:
    """State of a layer's neurons during one image.

    :param layer: weights and threshold T.
    :param ticks_per_unit: R of the network.

    ``current`` and ``potential`` are int64 (fan_out,), ``fired`` is bool (fan_out,). An image
    starts with current -T (the ramp of the threshold) and potential -T*R, so "potential >= 0" is
    the neuron's firing condition at any tick.
    """

    def __init__(self, layer: Layer, ticks_per_unit: int) -> None:
        self.layer = layer
        self.current = np.full(layer.fan_out, -layer.threshold, np.int64)
        self.potential = self.current * ticks_per_unit
        self.fired = np.zeros(layer.fan_out, np.bool_)

    def advance(self) -> None:
        """Move on by one tick: the potential integrates the current."""
        self.potential += self.current

    def fire(self) -> npt.NDArray[np.intp]:
        """Return the neurons that fire now, lowest index first; each fires at most once per image."""
        firing = (self.potential >= 0) & ~self.fired
        self.fired |= firing
        return np.flatnonzero(firing)

    def deliver(self, neuron: int) -> None:
        """Look up the weight row of input neuron ``neuron`` and add it to the currents."""
        self.current += self.layer.weight[neuron]
