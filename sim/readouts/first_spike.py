"""The first output spike is the answer: order and ties of a decision, stated once."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from sim.neuron import Neurons


@dataclass(frozen=True)
class FirstSpike:
    """The first tick at which an output fires ends the sample.

    Of several outputs that fire at one tick the highest potential wins, then the lowest index. If
    none fires up to the last tick, the same order decides there.
    """

    early: ClassVar[bool] = True
    fires: ClassVar[bool] = True
    counts: ClassVar[bool] = False

    def start(self, classes: int) -> Self:
        """Return the readout itself: it remembers nothing from tick to tick."""
        return self

    def ended(self, output: Neurons) -> bool:
        """Return whether an output fires at this tick."""
        return bool(output.reached().any())

    def winner(self, output: Neurons) -> int:
        """Return the class of the decision."""
        return int(np.argmax(output.potential))

    def compiled(self) -> "CompiledFirstSpike":
        """Return the compiled form."""
        return CompiledFirstSpike()


class CompiledFirstSpike(NamedTuple):
    """:class:`FirstSpike`, compiled."""

    @staticmethod
    def start(readout: Any, classes: Any) -> Any:
        """Remember nothing."""
        return None

    @staticmethod
    def ended(readout: Any, memory: Any, potential: Any, level: Any) -> Any:
        """Return whether an output fires at this tick."""
        return potential.max() >= level

    @staticmethod
    def winner(readout: Any, memory: Any, potential: Any, spikes: Any) -> Any:
        """Return the class of the decision; of equal potentials the first is found."""
        return np.argmax(potential)
