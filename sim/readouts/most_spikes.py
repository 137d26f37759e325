"""The output that fires most often is the answer: order and ties, stated once."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from sim.neuron import Neurons


@dataclass(frozen=True)
class MostSpikes:
    """After the last tick the output with most spikes wins (a rate code).

    Spikes of the last tick count. Of equally many the highest potential wins, as it is after the
    neurons of the last tick have fired, then the lowest index. Nothing ends a sample earlier.
    """

    early: ClassVar[bool] = False
    fires: ClassVar[bool] = True
    counts: ClassVar[bool] = True

    def start(self, classes: int) -> Self:
        """Return the readout itself: the neurons count their spikes."""
        return self

    def ended(self, output: Neurons) -> bool:
        """Return that the sample goes on."""
        return False

    def winner(self, output: Neurons) -> int:
        """Return the class of the decision."""
        most = output.spikes == output.spikes.max()
        potential = np.where(most, output.potential, np.iinfo(np.int64).min)
        return int(np.argmax(potential))

    def compiled(self) -> "CompiledMostSpikes":
        """Return the compiled form."""
        return CompiledMostSpikes()


class CompiledMostSpikes(NamedTuple):
    """:class:`MostSpikes`, compiled."""

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
        """Return the class of the decision."""
        winner = 0
        for index in range(1, len(spikes)):
            more = spikes[index] > spikes[winner]
            equal = spikes[index] == spikes[winner]
            if more or (equal and potential[index] > potential[winner]):
                winner = index
        return winner
