"""The seat of an encoder: what it is asked about the spikes that it gives."""

from typing import Any, Protocol, Self

import numpy.typing as npt

from sim.encoders.spike_list import SpikeList
from sim.neuron import Spike


class Encoder(Protocol):
    """How a sample becomes input spikes: a frozen dataclass."""

    @property
    def inputs(self) -> int:
        """Number of input neurons."""
        ...

    @property
    def inputs_key(self) -> str:
        """The key of a network's file that says so."""
        ...

    @property
    def map(self) -> tuple[int, int, int] | None:
        """(height, width, channels) of the map that the inputs are; None: they can be any."""
        ...

    @property
    def has_channels(self) -> bool:
        """Whether a pixel is more than one input."""
        ...

    @property
    def first_tick(self) -> int:
        """The earliest tick at which any input can fire."""
        ...

    @property
    def last_tick(self) -> int | None:
        """The latest tick at which any input can fire; None: the network's last one."""
        ...

    @property
    def most_spikes(self) -> int | None:
        """How often an input can spike in a sample; None: at every tick."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return the scalars of the encoder under their names in a network's file, for JSON."""
        ...

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the encoder under their names in a network's file."""
        ...

    @classmethod
    def read(cls, settings: Any, tensors: dict[str, npt.NDArray[Any]]) -> Self:
        """Return the encoder of a file from what :meth:`settings` and :meth:`tensors` gave it, and
        take its arrays out of ``tensors``.

        :raises InputError: a key is missing, unknown or out of range.
        """
        ...

    def spikes(self, sample: Any, /, last_tick: int | None = None) -> list[Spike]:
        """Return the input spikes of one sample, by tick, then by input.

        :param last_tick: K of the network; None: it is not looked at.
        :raises InputError: it is of another type or shape.
        """
        ...

    def count(self, samples: Any, /, last_tick: int | None = None) -> int:
        """Return the number of samples.

        :param last_tick: K of the network; None: it is not looked at.
        :raises InputError: they are of another type or shape, or take longer.
        """
        ...

    def spike_list(self, samples: Any, /) -> SpikeList:
        """Return the input spikes of samples, as the compiled machine takes them.

        :raises InputError: the samples are of another type or shape.
        """
        ...
