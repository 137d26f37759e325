"""The highest potential of all ticks is the answer: order and ties, stated once."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from sim.neuron import Neurons

NO_LEVEL = 2**31 - 1
"""The threshold of outputs that never end a sample."""


@dataclass(frozen=True)
class Peak:
    """The output whose potential is highest at any tick wins (Zenke & Vogels 2021).

    Outputs do not fire. One that reaches its level ends the sample: of several the highest
    potential wins, then the lowest index. If none does up to the last tick, the highest potential
    of all ticks wins; of equal ones the earlier tick, then the lowest index. With a level of
    :data:`NO_LEVEL` nothing ends a sample early.
    """

    early: ClassVar[bool] = True
    fires: ClassVar[bool] = False
    counts: ClassVar[bool] = False

    def start(self, classes: int) -> "PeakSoFar":
        """Return what is asked at every tick of one sample."""
        return PeakSoFar()

    def compiled(self) -> "CompiledPeak":
        """Return the compiled form."""
        return CompiledPeak()


@dataclass
class PeakSoFar:
    """The highest potential of a sample up to a tick.

    :param potential: the highest; None: no tick was seen yet.
    :param output: whose it is.
    """

    potential: int | None = None
    output: int = 0

    def ended(self, output: Neurons) -> bool:
        """Look at the potentials of one tick; return whether an output has reached its level."""
        highest = int(np.argmax(output.potential))
        potential = int(output.potential[highest])
        reached = bool(output.reached().any()) and output.neuron.threshold < NO_LEVEL

        # a later tick must be strictly higher
        if self.potential is None or potential > self.potential:
            self.potential, self.output = potential, highest
        return reached

    def winner(self, output: Neurons) -> int:
        """Return the class of the decision."""
        return self.output


class CompiledPeak(NamedTuple):
    """:class:`Peak`, compiled; what is remembered is (highest potential, its output)."""

    @staticmethod
    def start(readout: Any, classes: Any) -> Any:
        """Return that nothing was seen yet."""
        return np.array([np.iinfo(np.int64).min, 0])

    @staticmethod
    def ended(readout: Any, memory: Any, potential: Any, level: Any) -> Any:
        """Look at the potentials of one tick; return whether an output has reached its level."""
        highest = np.argmax(potential)
        reached = level < NO_LEVEL and potential[highest] >= level
        if potential[highest] > memory[0]:
            memory[0], memory[1] = potential[highest], highest
        return reached

    @staticmethod
    def winner(readout: Any, memory: Any, potential: Any, spikes: Any) -> Any:
        """Return the class of the decision."""
        return memory[1]
