"""The highest sum at the end is the answer: order and ties, stated once."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from sim.neuron import Neurons


@dataclass(frozen=True)
class Final:
    """At the last tick the highest potential wins, then the lowest index; nothing ends earlier."""

    early: ClassVar[bool] = False
    fires: ClassVar[bool] = False
    counts: ClassVar[bool] = False

    def start(self, classes: int) -> Self:
        """Return the readout itself: it remembers nothing from tick to tick."""
        return self

    def ended(self, output: Neurons) -> bool:
        """Return that the sample goes on."""
        return False

    def winner(self, output: Neurons) -> int:
        """Return the class of the decision."""
        return int(np.argmax(output.potential))

    def compiled(self) -> "CompiledFinal":
        """Return the compiled form."""
        return CompiledFinal()


class CompiledFinal(NamedTuple):
    """:class:`Final`, compiled."""

    @staticmethod
    def start(readout: Any, classes: Any) -> Any:
        """Remember nothing."""
        return None

    @staticmethod
    def ended(readout: Any, memory: Any, potential: Any, level: Any) -> Any:
        """Return that the sample goes on."""
        return False

    @staticmethod
    def winner(readout: Any, memory: Any, potential: Any, spikes: Any) -> Any:
        """Return the class of the decision; of equal potentials the first is found."""
        return np.argmax(potential)
