"""The highest sum at the end is the answer: order and ties, stated once."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from sim.neuron import Neurons
from sim.readouts.verdict import Verdict


@dataclass(frozen=True)
class Final:
    """At the last tick the highest potential wins, then the lowest index; nothing ends earlier."""

    early: ClassVar[bool] = False

    def start(self, classes: int) -> Self:
        """Return the readout itself: it remembers nothing from tick to tick."""
        return self

    def decide(self, output: Neurons) -> Verdict:
        """Judge the output layer, once per tick, after its advance."""
        return Verdict(False, int(np.argmax(output.potential)))

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
    def decide(readout: Any, memory: Any, potential: Any) -> Any:
        """Judge the potentials (classes,) of one tick."""
        # of equal potentials the first is found, as in the slow form
        winner = np.argmax(potential)
        return False, winner
