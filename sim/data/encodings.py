"""Numbers to spikes, in the input codes of the literature: latency, rate, delta, direct.

A sample is an image, whose pixels are worth 0 to 1 (intensity / 255) at every tick, or a series,
which has a value per channel and tick. What comes out is a list of events, as every network with
the encoder ``events`` takes it.

| code | an input fires |
|---|---|
| ``latency`` | once, at t = tau log(x / (x - theta)), rounded to a tick: a large value early |
| ``rate`` | at each tick with the chance rate * x |
| ``delta`` | where its value has risen by a step; where it has fallen, another input does |
| ``direct`` | at every tick at which its value is over theta |
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.encoders.events import EventList
from sim.encoders.intensity import INTENSITIES, NEVER
from sim.errors import InputError, is_integer, require
from sim.reading import MOST_BYTES

MOST_EVENTS = MOST_BYTES // 4
"""Of a file that can be read again: an event is two numbers of 4 bytes, in an array each."""

MOST_TICKS = 2**15 - 1
"""Of an image's sample: the last tick of a table of ticks."""


@dataclass(frozen=True)
class Settings:
    """The constants of the codes; each code takes its own.

    :param ticks: of an image's sample, 1..2^15 - 1; a series brings its own.
    :param tau: time constant of ``latency``, in ticks.
    :param theta: 0..1, not included: what a value must be over, for ``latency`` and ``direct``.
    :param rate: 0..1, the chance of a spike per tick of a value of 1, for ``rate``.
    :param step: above 0, by how much a value changes per event of ``delta``.
    :param seed: of what ``rate`` draws; a sample's draws depend on the seed and its index alone.
    :raises InputError: one of them is out of range.
    """

    ticks: int = 100
    tau: float = 20.0
    theta: float = 0.2
    rate: float = 0.2
    step: float = 0.1
    seed: int = 1

    def __post_init__(self) -> None:
        in_range = is_integer(self.ticks, 1, MOST_TICKS)
        require(in_range, "ticks", f"must be in 1..{MOST_TICKS}, not {self.ticks}")
        for key in ("tau", "step"):
            value = getattr(self, key)
            require(0 < value < np.inf, key, f"must be above 0, not {value}")
        require(0 < self.theta < 1, "theta", f"must be between 0 and 1, not {self.theta}")
        require(0 < self.rate <= 1, "rate", f"must be above 0, and at most 1, not {self.rate}")
        require(is_integer(self.seed, 0, 2**63 - 1), "seed", f"must be at least 0, not {self.seed}")


Values = npt.NDArray[np.float64]
"""A sample, (ticks, inputs)."""

Raster = npt.NDArray[np.bool_]
"""Who fires when, (ticks, inputs)."""


def latency_ticks(values: npt.ArrayLike, tau: float, theta: float, ticks: int) -> Any:
    """Return the tick at which each value fires, int16, of the shape of ``values``: t = tau log(x /
    (x - theta)), rounded to the nearest, halves to even; -1 where x is not over theta, or where t
    comes after the last tick.

    This is when a leaky neuron with the constant input x reaches theta (Zenke & Vogels 2021).

    :param tau: in ticks.
    :param ticks: how many there are; the last one is ``ticks`` - 1.
    """
    x = np.asarray(values, np.float64)
    over = x > theta
    times = tau * np.log(x / np.where(over, x - theta, 1), out=np.zeros_like(x), where=over)
    found = over & (np.rint(times) < ticks)
    return np.where(found, np.rint(np.where(found, times, 0)), NEVER).astype(np.int16)


def latency_table(
    tau: float = Settings.tau, theta: float = Settings.theta, ticks: int = Settings.ticks
) -> npt.NDArray[np.int16]:
    """Return the same as the ``spike_tick`` of :class:`sim.encoders.intensity.Intensity`, int16
    (256,): so a network takes the code from images themselves.

    :raises InputError: one of them is out of range, or no intensity would fire.
    """
    settings = Settings(ticks=ticks, tau=tau, theta=theta)
    table = latency_ticks(np.arange(INTENSITIES) / (INTENSITIES - 1), tau, theta, settings.ticks)
    fires = bool((table >= 0).any())
    require(fires, "ticks", f"no intensity fires within {ticks}; take more, or a smaller tau")
    return table


def latency(values: Values, settings: Settings, index: int) -> Raster:
    """Return who fires when; the values are those of the first tick.

    :raises InputError: the sample is a series.
    """
    constant = bool((values == values[:1]).all())
    require(constant, "latency", "is a code of images; take rate, delta or direct for a series")
    found = latency_ticks(values[0], settings.tau, settings.theta, len(values))
    return np.asarray(found == np.arange(len(values))[:, np.newaxis])


def rate(values: Values, settings: Settings, index: int) -> Raster:
    """Return who fires when: each tick is drawn on its own.

    :raises InputError: a value is no chance.
    """
    chances = bool(((values >= 0) & (values <= 1)).all())
    require(chances, "rate", "is a code of values in 0..1; scale the series first")
    random = np.random.default_rng((settings.seed, index))
    return random.random(values.shape) < settings.rate * values


def delta(values: Values, settings: Settings, index: int) -> Raster:
    """Return who fires when, (ticks, 2 inputs): input c where value c has risen by a step, input
    ``inputs`` + c where it has fallen by one.

    What was said so far starts at 0 and moves by one step per event, so at most one per tick; a
    value that jumps is caught up in the ticks that follow.
    """
    said = np.zeros(values.shape[1], np.int64)
    raster = np.zeros((len(values), 2, values.shape[1]), np.bool_)
    for tick, value in enumerate(values):
        raster[tick, 0] = value >= settings.step * (said + 1)
        raster[tick, 1] = value <= settings.step * (said - 1)
        said += raster[tick, 0].astype(np.int64) - raster[tick, 1]
    return raster.reshape(len(values), -1)


def direct(values: Values, settings: Settings, index: int) -> Raster:
    """Return who fires when: as long as a value is over theta."""
    return np.asarray(values > settings.theta)


ENCODINGS: Mapping[str, Callable[[Values, Settings, int], Raster]] = {
    "latency": latency,
    "rate": rate,
    "delta": delta,
    "direct": direct,
}
"""The codes: from a sample, the settings and the index of the sample to who fires when."""


class Encoded(NamedTuple):
    """Samples that became events.

    :param events: they.
    :param inputs: number of input neurons that a network needs for them.
    :param last_tick: the last tick that any sample has, with a spike or without.
    """

    events: EventList
    inputs: int
    last_tick: int


def samples_of(data: npt.NDArray[Any], ticks: int) -> Iterator[Values]:
    """Yield the values of each sample, float64 (ticks, inputs).

    :param data: images uint8 (n, height, width) or (n, height, width, channels), or series float
        (n, time, channels).
    :param ticks: of an image's sample.
    :raises InputError: it is of another type or shape, or a value is no number.
    """
    kind, problem = data.dtype, "must be uint8 (n, height, width), or floats (n, time, channels)"
    image = kind == np.uint8 and data.ndim in (3, 4)
    series = kind.kind == "f" and data.ndim == 3
    require(image or series, "data", f"{problem}, not {kind} {data.shape}")
    require(data.size > 0, "data", f"has shape {data.shape}, nothing; give at least one sample")
    require(image or bool(np.isfinite(data).all()), "data", "has values that are no numbers")

    for sample in data:
        if image:
            values = sample.reshape(1, -1) / np.float64(INTENSITIES - 1)
            yield np.broadcast_to(values, (ticks, values.size))
        else:
            yield sample.astype(np.float64)


def encode(
    code: str,
    data: npt.NDArray[Any],
    settings: Settings,
    labels: npt.NDArray[Any] | None = None,
    advance: Callable[[int], object] = lambda count: None,
) -> Encoded:
    """Return samples as events.

    :param code: a key of :data:`ENCODINGS`.
    :param data: as in :func:`samples_of`.
    :param labels: integers (n,), or None.
    :param advance: called with 1 after each sample.
    :raises InputError: the data is of another type or shape, or the code cannot take it, or there
        are more events than a file can hold.
    """
    rasters = _rasters(ENCODINGS[code], samples_of(data, settings.ticks), settings)
    ticks: list[npt.NDArray[np.int32]] = []
    inputs: list[npt.NDArray[np.int32]] = []
    sizes, shape, total = [0], (0, 0), 0
    for raster in rasters:
        tick, neuron = np.nonzero(raster)
        total += len(tick)
        if total > MOST_EVENTS:
            raise InputError(f"data: gives over {MOST_EVENTS} events; take fewer samples or ticks.")
        ticks.append(tick.astype(np.int32))
        inputs.append(neuron.astype(np.int32))
        sizes.append(total)
        shape = raster.shape
        advance(1)

    known = None if labels is None else labels.astype(np.int64)
    start = np.array(sizes, np.int64)
    events = EventList(np.concatenate(ticks), np.concatenate(inputs), start, known)
    return Encoded(events, shape[1], shape[0] - 1)


def _rasters(
    code: Callable[[Values, Settings, int], Raster], samples: Iterable[Values], settings: Settings
) -> Iterator[Raster]:
    for index, values in enumerate(samples):
        yield code(values, settings, index)
