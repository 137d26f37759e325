"""The first output spike is the answer: order and ties of a decision, stated once."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from sim.neuron import Neurons
from sim.readouts.verdict import Verdict


@dataclass(frozen=True)
class FirstSpike:
    """The first tick at which an output fires ends the sample.

    Of several outputs that fire at one tick the highest potential wins, then the lowest index. If
    none fires up to the last tick, the same order decides there.
    """

    early: ClassVar[bool] = True

    def start(self, classes: int) -> Self:
        """Return the readout itself: it remembers nothing from tick to tick."""
        return self

    def decide(self, output: Neurons) -> Verdict:
        """Judge the output layer, once per tick, after its advance."""
        potential = output.potential
        winner = int(np.argmax(potential))
        return Verdict(bool(potential[winner] >= 0), winner)

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
    def decide(readout: Any, memory: Any, potential: Any) -> Any:
        """Judge the potentials (classes,) of one tick."""
        # of equal potentials the first is found, as in the slow form
        winner = np.argmax(potential)
        return potential[winner] >= 0, winner
