"""The seat of a connection: what it is asked, and its compiled form, which is the same for all.

What one spike looks up is a list of words. A word has a weight for each channel of one output
position, next to each other in memory; a dense connection has one position, and its words are rows.
"""

from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from sim.fixed_point import Bounds, WeightFormat


class Visit(NamedTuple):
    """One word that an event looks up.

    :param word: its index, in words of ``channels_out`` weights.
    :param position: the output position whose neurons get it; they are the neurons from
        ``position * channels_out`` on.
    """

    word: int
    position: int


class Connection(Protocol):
    """Which weights an event looks up, and whom they reach: a frozen dataclass."""

    @property
    def weight(self) -> npt.NDArray[np.int8]:
        """The weights, int8; the last dimension is the output channel."""
        ...

    @property
    def fan_in(self) -> int:
        """Number of input neurons."""
        ...

    @property
    def fan_out(self) -> int:
        """Number of neurons that are fed: ``positions * channels_out``."""
        ...

    @property
    def channels_out(self) -> int:
        """Number of weights in a word."""
        ...

    @property
    def positions(self) -> int:
        """Number of output positions."""
        ...

    @property
    def sizes(self) -> str:
        """The sizes, for people."""
        ...

    @classmethod
    def read(cls, settings: Any, tensors: dict[str, npt.NDArray[Any]], layer: str) -> Self:
        """Return the connection of ``layer`` of a network's file, and take its arrays out of
        ``tensors``.

        :raises InputError: a setting or an array is missing, unknown, or of another type or shape.
        """
        ...

    def with_weight(self, weight: npt.NDArray[np.int8]) -> Self:
        """Return the connection with other weights.

        :raises InputError: they are of another type or shape.
        """
        ...

    def settings(self) -> dict[str, Any]:
        """Return what a network's file says of it in JSON, without its kind."""
        ...

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of a network's file that belong to it, under their names there; they
        are what is stored.
        """
        ...

    def visits(self, source: int) -> list[Visit]:
        """Return what an event of input neuron ``source`` looks up, by ascending position."""
        ...

    def deliver(self, source: int, current: npt.NDArray[np.int64]) -> None:
        """Look up the weights of one event of input neuron ``source`` and add them to the currents
        (fan_out,).
        """
        ...

    def inflows(self) -> list[Bounds]:
        """Return, per neuron, the least and the greatest sum of weights that can reach it if every
        input neuron spikes at most once.
        """
        ...

    def inflow_of_format(self, form: WeightFormat) -> Bounds:
        """Return the sums that can reach a neuron whatever the weights become within a format."""
        ...


def reads_of(connection: Connection) -> npt.NDArray[np.int64]:
    """Return how many weights an event of each input neuron looks up, int64 (fan_in,)."""
    if not connection.tensors():
        return np.zeros(connection.fan_in, np.int64)
    words = [len(connection.visits(source)) for source in range(connection.fan_in)]
    return np.array(words, np.int64) * connection.channels_out


class CompiledConnection(NamedTuple):
    """The visits of all sources, one after the other.

    :param starts: int64 (fan_in + 1,), where the visits of each source begin.
    :param weight: int64, per visit, the index of the first weight of its word.
    :param neuron: int64, per visit, the first neuron that it reaches.
    """

    starts: npt.NDArray[np.int64]
    weight: npt.NDArray[np.int64]
    neuron: npt.NDArray[np.int64]


def compile_connection(connection: Connection) -> CompiledConnection:
    """Return the compiled form of any connection."""
    found = [connection.visits(source) for source in range(connection.fan_in)]
    visits = np.array([visit for each in found for visit in each], np.int64).reshape(-1, 2)
    starts = np.cumsum([0, *(len(each) for each in found)], dtype=np.int64)

    first = visits * connection.channels_out
    return CompiledConnection(starts, first[:, 0].copy(), first[:, 1].copy())
