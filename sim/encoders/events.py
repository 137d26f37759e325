"""Samples that are spikes already: lists of events, each at a tick."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sim.encoders.spike_list import SpikeList
from sim.errors import InputError, check_keys, checked_array, is_integer, require
from sim.neuron import Spike

MOST_INPUTS = 2**20
"""The most input neurons of a network that takes events."""


@dataclass(frozen=True, eq=False)
class EventList:
    """Samples of events, one after the other.

    Within a sample events are sorted by tick, then by input, and none is there twice; so the same
    sample is the same list.

    :param tick: int32 (n,), at least 0.
    :param input: int32 (n,), at least 0, which input neuron spikes.
    :param start: int64 (samples + 1,), where each sample begins, and the end of the last one.
    :param label: int64 (samples,), class index; None: nobody knows.
    :raises InputError: one of them is of another type or shape, or the order is another.
    """

    tick: npt.NDArray[np.int32]
    input: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for key, dtype in (("tick", np.int32), ("input", np.int32), ("start", np.int64)):
            object.__setattr__(self, key, checked_array(getattr(self, key), dtype, 1, key))
        count = len(self.tick)
        require(len(self.input) == count, "input", f"needs {count} values, as many as tick")
        spans = self.start.size > 0 and self.start[0] == 0 and self.start[-1] == count
        require(spans, "start", f"must go from 0 to {count}, the number of events")
        require(bool((np.diff(self.start) >= 0).all()), "start", "must not fall")
        if self.label is not None:
            object.__setattr__(self, "label", checked_array(self.label, np.int64, 1, "label"))
            problem = f"needs {len(self)} values, one per sample, not {len(self.label)}"
            require(len(self.label) == len(self), "label", problem)
        for key in ("tick", "input"):
            value = getattr(self, key)
            require(count == 0 or value.min() >= 0, key, "must be at least 0")
        self._check_order()

    def _check_order(self) -> None:
        """Check that events of a sample rise."""
        same = np.ones(max(len(self.tick) - 1, 0), np.bool_)
        inner = self.start[(self.start > 0) & (self.start < len(self.tick))]
        same[inner - 1] = False  # the first event of a sample comes after nothing

        later, later_input = np.diff(self.tick), np.diff(self.input)
        for key, wrong, problem in (
            ("tick", later < 0, "falls at event {}; sort the events of a sample by tick"),
            (
                "input",
                (later == 0) & (later_input < 0),
                "falls within a tick at event {}; sort the events of a tick by input",
            ),
            (
                "input",
                (later == 0) & (later_input == 0),
                "spikes twice at one tick, event {}; leave one out",
            ),
        ):
            where = np.flatnonzero(wrong & same)
            require(where.size == 0, key, problem.format(int(where[0]) + 1 if where.size else 0))

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.start) - 1

    def __getitem__(self, index: int | slice) -> "EventList":
        """Return some samples, or one of them as a list of one.

        :raises IndexError: there is no such sample.
        """
        if not isinstance(index, slice):
            index = range(len(self))[index]  # a negative one counts from the end
            index = slice(index, index + 1)
        chosen = range(len(self))[index]
        if chosen.step != 1:
            raise IndexError("samples can only be taken one after the other")

        first, last = self.start[chosen.start], self.start[max(chosen.start, chosen.stop)]
        return EventList(
            self.tick[first:last],
            self.input[first:last],
            self.start[chosen.start : max(chosen.start, chosen.stop) + 1] - first,
            None if self.label is None else self.label[index],
        )


@dataclass(frozen=True)
class Events:
    """A sample is a list of events already; an input can spike at any tick, and often.

    :param inputs: number of input neurons, at least 1.
    :raises InputError: it is out of range.
    """

    inputs: int

    def __post_init__(self) -> None:
        problem = f"must be in 1..{MOST_INPUTS}, not {self.inputs}"
        require(is_integer(self.inputs, 1, MOST_INPUTS), "encoder.inputs", problem)

    @property
    def inputs_key(self) -> str:
        """The key of a network's file that says how many inputs there are."""
        return "inputs"

    @property
    def map(self) -> None:
        """Inputs can be any map."""
        return None

    @property
    def has_channels(self) -> bool:
        """Nothing is known of pixels."""
        return False

    @property
    def first_tick(self) -> int:
        """The earliest tick at which any input can fire."""
        return 0

    @property
    def last_tick(self) -> None:
        """Inputs can fire up to the network's last tick."""
        return None

    @property
    def most_spikes(self) -> None:
        """An input can spike at every tick."""
        return None

    def settings(self) -> dict[str, Any]:
        """Return the scalars of the encoder under their names in a network's file, for JSON."""
        return {"inputs": self.inputs}

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the encoder: none."""
        return {}

    @classmethod
    def read(cls, settings: Any, tensors: dict[str, npt.NDArray[Any]]) -> Self:
        """Return the encoder of a file from what :meth:`settings` gave it.

        :raises InputError: a key is missing, unknown or out of range.
        """
        return cls(check_keys(settings, "encoder", ("inputs",))["inputs"])

    def spikes(self, sample: Any, last_tick: int | None = None) -> list[Spike]:
        """Return the input spikes of one sample, by tick, then by input.

        :param sample: an :class:`EventList` of one sample.
        :param last_tick: K of the network; None: it is not looked at.
        :raises InputError: it is none, an input is out of range, or a tick after K.
        """
        if self.count(sample, last_tick) != 1:
            raise InputError(f"events: must be one sample, not {len(sample)}.")
        return [
            Spike(*pair) for pair in zip(sample.tick.tolist(), sample.input.tolist(), strict=True)
        ]

    def count(self, samples: Any, last_tick: int | None = None) -> int:
        """Return the number of samples.

        :param samples: an :class:`EventList`.
        :param last_tick: K of the network; None: it is not looked at.
        :raises InputError: it is none, an input is out of range, or a tick after K.
        """
        if not isinstance(samples, EventList):
            raise InputError("events: this network takes events, not images; give --events.")
        highest = int(samples.input.max()) if samples.input.size else 0
        problem = f"{highest} is not one of the {self.inputs} inputs of the network"
        require(highest < self.inputs, "input", problem)

        latest = int(samples.tick.max()) if samples.tick.size else 0
        within = last_tick is None or latest <= last_tick
        require(within, "tick", f"{latest} is after the network's last tick, {last_tick}")
        return len(samples)

    def spike_list(self, samples: Any) -> SpikeList:
        """Return the input spikes of samples: they are a list already.

        :param samples: an :class:`EventList`.
        :raises InputError: it is none, or an input is out of range.
        """
        self.count(samples)
        return SpikeList(samples.tick, samples.input, samples.start)
