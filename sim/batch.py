"""The integer machine over many images at once: :mod:`sim.pipeline`, image by image, compiled and
on all cores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt

from sim.encoders.intensity import check_images, pool_images
from sim.network import Network

CHUNK = 1000
"""Images between two reports of progress."""


@dataclass(frozen=True)
class Decisions:
    """What the machine answered for n images.

    :param decision: int32 (n,), class index.
    :param tick: int32 (n,), of the decision; the last tick when timed out.
    :param timed_out: bool (n,).
    :param events: int32 (n, layers), delivered to each layer: its weight rows looked up.
    :param potential: int64 (n, classes), the output layer's after the last advance.
    """

    decision: npt.NDArray[np.int32]
    tick: npt.NDArray[np.int32]
    timed_out: npt.NDArray[np.bool_]
    events: npt.NDArray[np.int32]
    potential: npt.NDArray[np.int64]

    def to_json(self, index: int) -> dict[str, Any]:
        """Return the object that ``sim run`` prints for one image; the same as
        :meth:`sim.trace.Trace.to_json`.
        """
        return {
            "decision": int(self.decision[index]),
            "tick": int(self.tick[index]),
            "timed_out": bool(self.timed_out[index]),
            "events": self.events[index].tolist(),
            "potential": self.potential[index].tolist(),
        }


def run(
    network: Network, images: npt.NDArray[Any], progress: Callable[[int], object] | None = None
) -> Decisions:
    """Run images uint8 (n, height, width); ``progress`` is told how many more are done, now and
    then.

    :raises InputError: the images are of another type or shape.
    """
    count = len(check_images(network.encoder, images))
    result = Decisions(
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.zeros(count, np.bool_),
        np.zeros((count, len(network.layers)), np.int32),
        np.zeros((count, len(network.classes)), np.int64),
    )
    machine = _Machine(network)
    for start in range(0, count, CHUNK):
        part = slice(start, min(start + CHUNK, count))
        machine.run(images[part], result, part)
        if progress is not None:
            progress(part.stop - start)
    return result


class _Machine:
    """A network laid out for the compiled loop: the layers' weights and neurons one after the
    other.
    """

    def __init__(self, network: Network) -> None:
        self.encoder = network.encoder
        self.weight = np.concatenate([layer.weight.ravel() for layer in network.layers])
        self.sizes = np.array(
            [network.encoder.inputs, *(layer.fan_out for layer in network.layers)], np.int64
        )
        self.threshold = np.array([layer.threshold for layer in network.layers], np.int64)
        self.grid = (network.ticks_per_unit, network.last_tick)

    def run(self, images: npt.NDArray[np.uint8], result: Decisions, part: slice) -> None:
        pooled = pool_images(images, self.encoder.pool).reshape(len(images), -1)
        fields = (result.decision, result.tick, result.timed_out, result.events, result.potential)
        constants = (
            self.encoder.pixels,
            self.encoder.spike_tick,
            self.weight,
            self.sizes,
            self.threshold,
            *self.grid,
        )
        _run_images(pooled, *constants, *(field[part] for field in fields))


_jit = cast(Any, numba.njit)


@_jit(cache=True, parallel=True, nogil=True)
def _run_images(  # type: ignore[no-untyped-def]
    images: Any,
    pixels: Any,
    spike_tick: Any,
    weight: Any,
    sizes: Any,
    threshold: Any,
    ticks_per_unit: Any,
    last_tick: Any,
    decision: Any,
    tick: Any,
    timed_out: Any,
    events: Any,
    potential: Any,
) -> None:
    for index in numba.prange(len(images)):  # type: ignore[attr-defined]
        decision[index], tick[index], timed_out[index] = _run_image(
            images[index],
            pixels,
            spike_tick,
            weight,
            sizes,
            threshold,
            ticks_per_unit,
            last_tick,
            events[index],
            potential[index],
        )


@_jit(cache=True, nogil=True)
def _run_image(
    image: Any,
    pixels: Any,
    spike_tick: Any,
    weight: Any,
    sizes: Any,
    threshold: Any,
    ticks_per_unit: Any,
    last_tick: Any,
    events: Any,
    output: Any,
) -> Any:
    """Run one image; the order of the steps is :func:`sim.pipeline.run`'s."""
    layers = len(threshold)
    order, starts = spikes_by_tick(image, pixels, spike_tick, last_tick)
    neurons = sizes[1:].sum()
    current = np.empty(neurons, np.int32)  # a Network fits 32 bits or does not exist
    first = 0
    for layer in range(layers):
        current[first : first + sizes[layer + 1]] = -threshold[layer]
        first += sizes[layer + 1]
    potential = current * np.int32(ticks_per_unit)
    fired = np.zeros(neurons, np.bool_)
    classes = sizes[layers]
    winner = neurons - classes
    for tick in range(last_tick + 1):
        if tick > 0:
            add(potential, current)
        winner = neurons - classes
        for neuron in range(winner + 1, neurons):
            if potential[neuron] > potential[winner]:
                winner = neuron
        if potential[winner] >= 0 or tick == last_tick:
            output[:] = potential[neurons - classes :]
        if potential[winner] >= 0:
            return winner - (neurons - classes), tick, False
        inputs = order[starts[tick] : starts[tick + 1]]
        _deliver_tick(inputs, weight, sizes, current, potential, fired, events)
    return winner - (neurons - classes), last_tick, True


@_jit(cache=True, nogil=True)
def spikes_by_tick(image: Any, pixels: Any, spike_tick: Any, last_tick: Any) -> Any:
    """Sort the inputs that fire by tick, then by index: inputs of tick k are
    order[starts[k]:starts[k + 1]].
    """
    starts = np.zeros(last_tick + 2, np.int64)
    for pixel in pixels:
        tick = spike_tick[image[pixel]]
        if tick >= 0:
            starts[tick + 1] += 1
    starts = starts.cumsum()
    place = starts.copy()
    order = np.empty(starts[-1], np.int64)
    for neuron in range(len(pixels)):
        tick = spike_tick[image[pixels[neuron]]]
        if tick >= 0:
            order[place[tick]] = neuron
            place[tick] += 1
    return order, starts


@_jit(cache=True, nogil=True)
def _deliver_tick(
    inputs: Any, weight: Any, sizes: Any, current: Any, potential: Any, fired: Any, events: Any
) -> None:
    """Fire the hidden neurons and deliver all spikes of this tick."""
    row = 0
    first = 0
    for neuron in inputs:
        add(current[: sizes[1]], weight[neuron * sizes[1] : (neuron + 1) * sizes[1]])
    events[0] += len(inputs)
    for layer in range(1, len(sizes) - 1):
        row += sizes[layer - 1] * sizes[layer]
        after = first + sizes[layer]
        following = current[after : after + sizes[layer + 1]]
        for neuron in range(sizes[layer]):
            if potential[first + neuron] >= 0 and not fired[first + neuron]:
                fired[first + neuron] = True
                events[layer] += 1
                start = row + neuron * len(following)
                add(following, weight[start : start + len(following)])
        first = after


@_jit(cache=True, nogil=True)
def add(total: Any, more: Any) -> None:
    """Add one array to another in place."""
    for neuron in range(
        len(total)
    ):  # a plain loop over slices is what the compiler turns into SIMD
        total[neuron] += more[neuron]
