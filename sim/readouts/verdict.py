"""The seat of a readout: what it is asked, and what it answers."""

from typing import Any, ClassVar, NamedTuple, Protocol

from sim.neuron import Neurons


class Verdict(NamedTuple):
    """What a readout says to one tick.

    :param ended: whether the sample ends here; nothing more of this tick is read.
    :param winner: class index; after the last tick the decision, ended or not.
    """

    ended: bool
    winner: int


class Decider(Protocol):
    """A readout during one sample."""

    def decide(self, output: Neurons) -> Verdict:
        """Judge the output layer, once per tick, after its advance."""
        ...


class Readout(Protocol):
    """When a sample is decided, and for which class: a frozen dataclass.

    Its compiled form is a named tuple with two functions in the subset of Python that numba
    compiles, called by :mod:`sim.batch` through :mod:`sim.compiled`:

    - ``start(readout, classes)`` returns what is remembered during one sample, arrays or None;
    - ``decide(readout, memory, potential)`` returns (ended, winner) of one tick.

    :param early: whether outputs fire and the first of them ends a sample; a sample that none of
        them ends has timed out. Else outputs do not fire, and every sample takes all ticks.
    """

    early: ClassVar[bool]

    def start(self, classes: int) -> Decider:
        """Return what is asked at every tick of one sample."""
        ...

    def compiled(self) -> Any:
        """Return the compiled form."""
        ...
