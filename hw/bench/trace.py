"""What crossed the boundaries in hardware, in the words of :mod:`sim.trace`."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape
from amaranth.lib import data

from hw.bench.engine import Run
from hw.events import Kind, Status, event, given_event, result
from hw.parameters import MachineParameters
from sim.encoders.events import EventList
from sim.network import Network
from sim.neuron import Spike
from sim.trace import Trace

Words = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class HardwareTrace:
    """One image's trace, and what the hardware counted.

    :param trace: None when the image was dropped.
    :param status: how it ended.
    :param events: per layer, the hardware's own count.
    :param cycles: from the image's first event to its result.
    :param rejected: events out of range or out of order.
    """

    trace: Trace | None
    status: Status
    events: list[int]
    cycles: int
    rejected: int

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``hw simulate`` prints: that of ``sim run``, and ``cycles``."""
        return ({} if self.trace is None else self.trace.to_json()) | {"cycles": self.cycles}


def field(words: Words, layout: data.Layout, *path: str | int) -> npt.NDArray[np.int64]:
    """Return one field, of up to 32 bits, of every payload in ``words``."""
    offset, shape = 0, layout
    for key in path:
        assert isinstance(shape, data.Layout)
        offset, shape = offset + shape[key].offset, shape[key].shape

    # A field may begin anywhere, so it may reach into the next word.
    cast = Shape.cast(shape)
    word, shift = divmod(offset, 32)
    value = words[:, word].astype(np.uint64) >> np.uint64(shift)
    if shift + cast.width > 32:
        value |= words[:, word + 1].astype(np.uint64) << np.uint64(32 - shift)
    value &= np.uint64((1 << cast.width) - 1)

    number = value.astype(np.int64)
    if cast.signed and cast.width:
        return number - ((number >> (cast.width - 1)) << cast.width)
    return number


def pixels(images: npt.NDArray[np.uint8]) -> list[list[int]]:
    """Return images uint8 (n, height, width) as beats for the encoder or the machine."""
    beats = images.reshape(len(images), -1).astype(np.int64)
    beats[:, -1] |= 256  # ``last``
    return beats.tolist()


def given_events(samples: EventList) -> list[list[int]]:
    """Return samples of events as beats for the encoder or the machine."""
    layout = given_event()
    places = [layout[name].offset for name in ("tick", "input")]
    beats = [
        tick << places[0] | neuron << places[1]
        for tick, neuron in zip(samples.tick.tolist(), samples.input.tolist(), strict=True)
    ]
    return [[*beats[first:after], 1] for first, after in pairwise(samples.start.tolist())]


def beats_of(samples: Any) -> list[list[int]]:
    """Return samples as beats for the encoder or the machine.

    :param samples: images uint8 (n, height, width), or an :class:`~sim.encoders.events.EventList`.
    """
    return given_events(samples) if isinstance(samples, EventList) else pixels(samples)


def input_events(network: Network, images: Any) -> list[list[int]]:
    """Return what the encoder must send for images uint8 (n, height, width), or an
    :class:`~sim.encoders.events.EventList`: its beats, per sample, from :mod:`sim`.
    """
    layout = event(network)
    tick_offset, neuron_offset = layout["tick"].offset, layout["neuron"].offset
    beats: list[list[int]] = []

    given = network.encoder.spike_list(images)
    tick, neuron = given.tick.astype(np.int64), given.input.astype(np.int64)
    spikes = tick << tick_offset | neuron << neuron_offset
    for first, after in pairwise(given.start):
        beats.append([*spikes[first:after].tolist(), end_of_image()])
    return beats


def end_of_image(kind: Kind = Kind.END) -> int:
    """Return the beat that closes an image."""
    return kind.value


def split_images(run: Run, network: Network) -> list[list[int]]:
    """Return the encoder's beats, per image."""
    # An image ends with the beat that is no spike.
    closing = np.flatnonzero(field(run.outputs, event(network), "kind") != Kind.SPIKE.value)
    beats = [int.from_bytes(row.astype("<u4").tobytes(), "little") for row in run.outputs]
    starts = [0, *(closing[:-1] + 1).tolist()]
    return [beats[start : end + 1] for start, end in zip(starts, closing.tolist(), strict=True)]


def traces(parameters: MachineParameters, run: Run) -> list[HardwareTrace]:
    """Return what the pipeline did, per image."""
    layout, network = result(parameters.network), parameters.network
    seen, layers = parameters.observation, range(len(network.layers))
    status = [Status(value) for value in field(run.outputs, layout, "outcome", "status").tolist()]
    decision, tick = (
        field(run.outputs, layout, "outcome", name).tolist() for name in ("decision", "tick")
    )
    cycles, rejected = (
        field(run.outputs, layout, name).tolist() for name in ("cycles", "rejected")
    )
    counts = [field(run.outputs, layout, "events", layer) for layer in layers]
    events = np.stack(counts, axis=1).tolist()

    ends = np.flatnonzero(field(run.observed, seen, "ended"))
    spikes = [_spikes(run.observed, seen, layer, ends) for layer in layers]
    potential = _outputs(parameters, run.observed, ends, "potential")
    counted: Sequence[Any] = [None] * len(ends)
    if network.readout.counts:
        counted = _outputs(parameters, run.observed, ends, "spikes")
    recurrent, bias = (
        _own_rows(parameters, run.observed, ends, kind) for kind in ("recurrent", "bias")
    )

    found: list[HardwareTrace] = []
    for image, how in enumerate(status):
        trace = Trace(
            decision[image],
            tick[image],
            how == Status.TIMED_OUT,
            [spikes[layer][image] for layer in layers],
            potential[image],
            recurrent[image],
            bias[image],
            counted[image],
        )
        whole = None if how == Status.DROPPED else trace
        found.append(HardwareTrace(whole, how, events[image], cycles[image], rejected[image]))
    return found


def _spikes(
    observed: Words, seen: data.Layout, layer: int, ends: npt.NDArray[np.intp]
) -> list[list[Spike]]:
    """Return the events delivered to a layer, per image."""
    cycles = np.flatnonzero(field(observed, seen, "delivered") >> layer & 1)
    ticks = field(observed, seen, "tick")[cycles].tolist()
    neurons = field(observed, seen, "neuron", layer)[cycles].tolist()
    spikes = [Spike(tick, neuron) for tick, neuron in zip(ticks, neurons, strict=True)]
    cuts = [0, *np.searchsorted(cycles, ends).tolist()]
    return [spikes[start:stop] for start, stop in pairwise(cuts)]


def _own_rows(
    parameters: MachineParameters, observed: Words, ends: npt.NDArray[np.intp], kind: str
) -> Sequence[list[int] | None]:
    """Return how many rows of its own each layer has looked up, per image; None for each if no
    layer of the network has any.

    :param kind: ``recurrent`` or ``bias``.
    """
    seen = parameters.observation
    if not any(layer.has_own_rows for layer in parameters.layers):
        return [None] * len(ends)

    looked_up = [field(observed, seen, "own", n, kind) for n in range(len(parameters.layers))]
    cuts = [0, *ends.tolist()]
    return [[int(layer[start:stop].sum()) for layer in looked_up] for start, stop in pairwise(cuts)]


def _outputs(
    parameters: MachineParameters, observed: Words, ends: npt.NDArray[np.intp], name: str
) -> Sequence[npt.NDArray[np.int64]]:
    """Return what the output layer showed last, per image; zeros for one dropped before anything.

    :param name: ``potential``, or ``spikes``.
    """
    seen, output = parameters.observation, parameters.layers[-1]
    cycles = np.flatnonzero(field(observed, seen, "advanced"))
    lanes = [field(observed, seen, "fold", name, lane) for lane in range(output.lanes)]
    folds_seen = np.stack(lanes, axis=1)[cycles]
    stops = np.searchsorted(cycles, ends)

    # The last folds before an image's end are those of its last advance.
    empty = np.zeros(output.layer.fan_out, np.int64)
    found: list[npt.NDArray[np.int64]] = []
    for stop in stops.tolist():
        folds = folds_seen[max(stop - output.folds, 0) : stop].ravel()[: output.layer.fan_out]
        found.append(folds if len(folds) == output.layer.fan_out else empty)
    return found
