"""The seat of a readout: what it is asked, and what it answers."""

from typing import Any, ClassVar, Protocol

from sim.neuron import Neurons


class Decider(Protocol):
    """A readout during one sample."""

    def ended(self, output: Neurons) -> bool:
        """Return whether the sample ends at this tick; asked once per tick, after the advance.
        Nothing more of a tick that ends a sample is read.
        """
        ...

    def winner(self, output: Neurons) -> int:
        """Return the class index of the decision: where the sample ended, or after the neurons of
        the last tick have fired.
        """
        ...


class Readout(Protocol):
    """When a sample is decided, and for which class: a frozen dataclass.

    Its compiled form is a named tuple with functions in the subset of Python that numba compiles,
    called by :mod:`sim.batch` through :mod:`sim.compiled`:

    - ``start(readout, classes)`` returns what is remembered during one sample, arrays or None;
    - ``ended(readout, memory, potential, level)`` and ``winner(readout, memory, potential,
      spikes)`` answer as :class:`Decider` does, from the outputs' potentials, their level and how
      often each has fired.

    :param early: whether an output that reaches its level ends a sample; a sample that none of them
        ends has timed out. Else every sample takes all ticks.
    :param fires: whether outputs are neurons that fire.
    :param counts: whether spikes of outputs count; else none fires, as the first would end the
        sample.
    """

    early: ClassVar[bool]
    fires: ClassVar[bool]
    counts: ClassVar[bool]

    def start(self, classes: int) -> Decider:
        """Return what is asked at every tick of one sample."""
        ...

    def compiled(self) -> Any:
        """Return the compiled form."""
        ...
