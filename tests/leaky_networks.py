"""Small random networks of leaky neurons for property tests, and samples for them: every reset,
leak, readout and encoder, recurrent rows, biases, pools, several spikes per pixel, events.
"""

from typing import Any

import numpy as np

from random_networks import random_images
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.connections.pool import Pool
from sim.encoders.events import EventList, Events
from sim.encoders.intensity import Intensity
from sim.fixed_point import WeightFormat
from sim.layer import Layer
from sim.network import Network
from sim.neuron import HOLDS, Neuron
from sim.readouts.final import Final
from sim.readouts.first_spike import FirstSpike
from sim.readouts.most_spikes import MostSpikes
from sim.readouts.peak import NO_LEVEL, Peak

SHIFTS = [0, 128, 192, 224, 240, 248, 252, 254, 255, 256]
"""Leaks that are one shift, and the two that are none."""


def leaky_network(seed: int, *, maps: bool = True, gateware: bool = False) -> Network:
    """Draw a network of leaky neurons.

    :param maps: whether layers can be convolutions and pools.
    :param gateware: only what gateware can do: images, no start beside a current and a leak.
    """
    rng = np.random.default_rng(seed)
    depth, last_tick = int(rng.integers(1, 4)), int(rng.integers(1, 16))
    shape = (*(int(size) for size in rng.integers(1, 6, 2)), int(rng.integers(1, 3)))
    if not maps or rng.random() < 0.5:
        shape = (*shape[:2], 1)

    readout = [FirstSpike(), Final(), MostSpikes(), Peak()][rng.integers(4)]
    layers: list[Layer] = []
    for index in range(depth):
        output = index == depth - 1
        connection = _connection(rng, shape, maps and not (output and rng.random() < 0.7), index)
        shape = (
            connection.output if not isinstance(connection, Dense) else (1, 1, connection.fan_out)
        )
        layers.append(_layer(rng, connection, readout if output else None, gateware))

    encoder = _encoder(rng, layers[0], last_tick, gateware)
    classes = tuple(str(index) for index in range(layers[-1].fan_out))
    return Network(encoder, tuple(layers), readout, 1, last_tick, classes)


def _connection(
    rng: np.random.Generator, shape: tuple[int, ...], maps: bool, index: int
) -> Dense | Convolution | Pool:
    """Draw what a map of a shape feeds; weights come later."""
    channels = int(rng.integers(1, 7))
    kind = rng.integers(3) if maps else 0
    if kind == 0 or (index == 0 and shape[2] == 1 and kind == 2):
        fan_in = int(np.prod(shape))
        if shape[2] > 1 and index == 0:
            kind = 1  # pixels with channels are read by a map
        else:
            return Dense(np.zeros((fan_in, channels), np.int8))
    if kind == 2:
        return Pool(shape, int(rng.integers(1, min(shape[:2]) + 1)))
    kernel = tuple(int(rng.integers(1, min(size, 3) + 1)) for size in shape[:2])
    padding = int(rng.integers(0, min(kernel)))
    weight = np.zeros((shape[2], *kernel, channels), np.int8)
    return Convolution(weight, shape, int(rng.integers(1, 4)), padding)


def _layer(
    rng: np.random.Generator,
    connection: Dense | Convolution | Pool,
    readout: Any,
    gateware: bool,
) -> Layer:
    """Draw weights, leaks and a level that is reached now and then.

    :param readout: of an output layer; None: it is hidden.
    """
    form = WeightFormat(int(rng.integers(2, 9)))
    if not isinstance(connection, Pool):
        connection = connection.with_weight(_weights(rng, form, connection.weight.shape))

    fraction = int(rng.integers(0, 5)) * int(rng.random() < 0.4)
    membrane, synapse = _leak(rng), 0 if rng.random() < 0.5 else _leak(rng)
    highest = max(bounds.high for bounds in connection.inflows())
    threshold = 1 + (int(rng.integers(0, highest // 2 + 2)) << fraction)

    reset = str(rng.choice(["once", "zero", "subtract"]))
    if readout is not None and not readout.fires:
        reset = "never"
    if isinstance(readout, Peak) and rng.random() < 0.4:
        threshold = NO_LEVEL
    limit = int(rng.integers(0, 3)) if reset in ("zero", "subtract") else 0
    neuron = Neuron(threshold, membrane, synapse, reset, ramp=False, fraction=fraction, limit=limit)

    fan_out, own = connection.fan_out, {}
    if isinstance(connection, Dense):
        if readout is None and rng.random() < 0.4:
            own["recurrent"] = _weights(rng, form, (fan_out, fan_out))
        if rng.random() < 0.3:
            own["bias"] = _weights(rng, form, (fan_out,))
    if rng.random() < 0.3 and (membrane == HOLDS or synapse == 0 or not gateware):
        size = connection.channels_out if rng.random() < 0.5 else fan_out
        most = min(2 * threshold, 1000)
        own["start"] = rng.integers(-most, most + 1, size).astype(np.int32)
    return Layer(connection, neuron, weight_bits=form.bits, **own)


def _leak(rng: np.random.Generator) -> int:
    return int(rng.choice(SHIFTS)) if rng.random() < 0.7 else int(rng.integers(0, 257))


def _weights(rng: np.random.Generator, form: WeightFormat, shape: tuple[int, ...]) -> np.ndarray:
    weight = rng.integers(form.low, form.high + 1, shape)
    if rng.random() < 0.6:
        weight = np.where(rng.random(shape) < 0.5, np.abs(weight), weight)
    return weight.clip(form.low, form.high).astype(np.int8)


def _encoder(
    rng: np.random.Generator, first: Layer, last_tick: int, gateware: bool
) -> Intensity | Events:
    if rng.random() < 0.4:
        return Events(first.fan_in)

    shape = (first.fan_in, 1)
    if not isinstance(first.connection, Dense):
        *size, channels = first.connection.input
        shape = (*size, channels) if channels > 1 else tuple(size)
    pixels = np.arange(first.fan_in, dtype=np.int32)
    if rng.random() < 0.5:
        ticks = rng.integers(-1, last_tick + 1, 256).astype(np.int16)
        ticks[255] = max(ticks[255], 0)
        return Intensity(shape, 1, pixels, ticks)

    mask = (rng.random((256, last_tick + 1)) < rng.random()).astype(np.uint8)
    mask[255, rng.integers(last_tick + 1)] = 1
    return Intensity(shape, 1, pixels, mask=mask)


def random_samples(network: Network, count: int, seed: int) -> Any:
    """Draw what a network takes: images, or lists of events of any density."""
    if not isinstance(network.encoder, Events):
        return random_images(network, count, seed)

    rng = np.random.default_rng(seed)
    ticks = network.last_tick + 1
    found = [
        np.argwhere(rng.random((ticks, network.encoder.inputs)) < rng.random() ** 2)
        for _ in range(count)
    ]
    every = np.concatenate(found).astype(np.int32)
    start = np.cumsum([0, *(len(each) for each in found)])
    return EventList(every[:, 0], every[:, 1], start)
