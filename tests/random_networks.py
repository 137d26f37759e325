"""Small random networks and images for property tests: every depth, code, pooling, weight width and
time-out.
"""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from sim.bounds import Inflow, Premise, StateBounds, prove
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.fixed_point import Bounds, WeightFormat
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.final import Final
from sim.readouts.first_spike import FirstSpike


def random_network(seed: int) -> Network:
    """Draw a network from a seed: 1-3 layers, 1-8 bits, pruned pixels, pooled or not, one tick or
    several.
    """
    rng = np.random.default_rng(seed)
    pool = int(rng.integers(1, 3))
    shape = (pool * int(rng.integers(1, 5)), pool * int(rng.integers(1, 5)))
    available = shape[0] * shape[1] // pool**2
    pixels = np.flatnonzero(rng.random(available) < 0.8).astype(np.int32)
    if pixels.size == 0:
        pixels = np.array([0], np.int32)
    ticks_per_unit = int(rng.integers(1, 6))
    last_tick = int(rng.integers(2, 20))
    spike_tick = _code(rng, last_tick)
    sizes = [pixels.size, *rng.integers(1, 9, rng.integers(1, 4))]
    layers = tuple(_layer(rng, int(fan_in), int(fan_out)) for fan_in, fan_out in pairwise(sizes))
    classes = tuple(str(index) for index in range(sizes[-1]))
    return Network(
        Intensity(shape, pool, pixels, spike_tick),
        layers,
        FirstSpike(),
        ticks_per_unit,
        last_tick,
        classes,
    )


def _code(rng: np.random.Generator, last_tick: int) -> np.ndarray:
    """Binary, binary with late dark pixels, or an arbitrary tick for each intensity."""
    bright = np.arange(256) > rng.integers(0, 255)
    kind = rng.integers(3)
    if kind == 0:
        return np.where(bright, 0, -1).astype(np.int16)
    if kind == 1:
        return np.where(bright, 0, rng.integers(0, last_tick + 1)).astype(np.int16)
    return np.append(rng.integers(-1, last_tick + 1, 255), rng.integers(0, last_tick + 1)).astype(
        np.int16
    )


def _layer(rng: np.random.Generator, fan_in: int, fan_out: int) -> Layer:
    """Weights of any width; few distinct values give ties, a bias to positive ones gives spikes."""
    bits = int(rng.integers(1, 9))
    form = WeightFormat(bits)
    weight = rng.integers(form.low, form.high + 1, (fan_in, fan_out))
    if rng.random() < 0.6:
        weight = np.where(rng.random(weight.shape) < 0.6, np.abs(weight), weight).clip(
            form.low, form.high
        )
    threshold = int(rng.integers(1, max(2, form.high * fan_in // 2 + 2)))
    return Layer(Dense(weight.astype(np.int8)), Neuron(threshold), weight_bits=bits)


def any_network(seed: int, dense: bool = False) -> Network:
    """Draw a network of any parts: windows, then ramps, then outputs that fire or not; dense layers
    and convolutions; with start and without; one bit of weight is -1 or +1.

    :param dense: no convolutions.
    """
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 4))
    windows = int(rng.integers(0, depth))
    early = bool(rng.random() < 0.5)

    connections = _connections(rng, depth, dense)
    first = connections[0]
    height, width, channels = (
        first.input if isinstance(first, Convolution) else (first.fan_in, 1, 1)
    )
    pool = int(rng.integers(1, 3))
    image_shape = (pool * height, pool * width, *([channels] if channels > 1 else []))
    spike_tick = _code(rng, int(rng.integers(0, 4)))
    encoder = Intensity(image_shape, pool, np.arange(first.fan_in, dtype=np.int32), spike_tick)

    layers, begin = [], encoder.last_tick + 1
    for index, connection in enumerate(connections):
        if index < windows:
            window = begin, int(rng.choice([1, 2, 3, 7, 15]))
            begin += window[1]
            neuron = {"ramp": False, "window": window}
        elif index == depth - 1 and not early:
            neuron = {"ramp": False, "reset": "never"}
        elif rng.random() < 0.4:
            neuron = {"reset": "subtract", "limit": int(rng.integers(0, 4))}
        else:
            neuron = {}
        layers.append(_any_layer(rng, connection, neuron))

    classes = tuple(str(index) for index in range(layers[-1].fan_out))
    last_tick = max(begin + int(rng.integers(0, 15)) * (windows < depth - 1 or early), 1)
    readout = FirstSpike() if early else Final()
    return Network(encoder, tuple(layers), readout, int(rng.integers(1, 6)), last_tick, classes)


def _connections(rng: np.random.Generator, depth: int, dense: bool) -> list[Convolution | Dense]:
    """Draw connections that fit each other; weights are -1 and +1, of one bit, until a layer of
    them is drawn.
    """
    shape = (*(int(size) for size in rng.integers(1, 9, 2)), int(rng.integers(1, 4)))
    found: list[Convolution | Dense] = []
    for _ in range(depth):
        channels = int(rng.integers(1, 7))
        if dense or rng.random() < 0.3:
            fan_in = found[-1].fan_out if found else shape[0] * shape[1]
            found.append(Dense(_signs(rng, (fan_in, channels))))
            shape = (1, 1, channels)
            continue

        kernel = tuple(int(size) for size in rng.integers(1, 6, 2))
        padding = int(rng.integers(0, min(kernel)))
        kernel = tuple(min(k, n + 2 * padding) for k, n in zip(kernel, shape, strict=False))
        padding = min(padding, min(kernel) - 1)
        kernel = tuple(min(k, n + 2 * padding) for k, n in zip(kernel, shape, strict=False))
        weight = _signs(rng, (shape[2], *kernel, channels))
        convolution = Convolution(weight, shape, int(rng.integers(1, 5)), padding)
        found.append(convolution)
        shape = convolution.output
    return found


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    signs = rng.choice(np.array([-1, 1], np.int8), shape)
    signs.flat[0] = 1  # all of them -1 would be a format of its own
    return signs


def _any_layer(rng: np.random.Generator, connection: Convolution | Dense, neuron: dict) -> Layer:
    """Draw weights, a threshold that is reached now and then, and a start."""
    bits = int(rng.integers(1, 9))
    weight = connection.weight
    if bits > 1:
        form = WeightFormat(bits)
        weight = rng.integers(form.low, form.high + 1, weight.shape)
        if rng.random() < 0.6:
            weight = np.where(rng.random(weight.shape) < 0.5, np.abs(weight), weight)
        connection = connection.with_weight(weight.clip(form.low, form.high).astype(np.int8))

    highest = max(bounds.high for bounds in connection.inflows())
    threshold = 1 + int(rng.integers(0, highest // 3 + 2))
    start = None
    if rng.random() < 0.5:
        size = connection.channels_out if rng.random() < 0.5 else connection.fan_out
        start = rng.integers(-3 * threshold, 3 * threshold + 1, size).astype(np.int32)
    return Layer(connection, Neuron(threshold, **neuron), start=start, weight_bits=bits)


def written_out(connection: Convolution | Dense) -> np.ndarray:
    """Return every synapse of a connection as a matrix int64 (fan_in, fan_out), computed from the
    definition: which kernel element lies on which input.
    """
    if isinstance(connection, Dense):
        return connection.weight.astype(np.int64)
    height, width, channels = connection.input
    matrix = np.zeros((*connection.input, *connection.output), np.int64)
    for y, x in np.ndindex(connection.output[:2]):
        for kernel_y, kernel_x in np.ndindex(connection.kernel):
            row = y * connection.stride - connection.padding + kernel_y
            column = x * connection.stride - connection.padding + kernel_x
            if 0 <= row < height and 0 <= column < width:
                matrix[row, column, :, y, x] = connection.weight[:, kernel_y, kernel_x]
    return matrix.reshape(height * width * channels, -1)


def random_images(network: Network, count: int, seed: int) -> np.ndarray:
    """Draw uint8 images of any density for a network."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *network.encoder.image_shape), dtype=np.uint8)
    extreme = rng.random(images.shape) < rng.random((count, *[1] * (images.ndim - 1)))
    return np.where(extreme, 255 * rng.integers(0, 2, images.shape), images).astype(np.uint8)


def bounds_of(neuron: Neuron, inflow: Bounds, premise: Premise, start: int = 0) -> StateBounds:
    """Return the bounds of one neuron that nothing but sources feeds."""
    low, high, nothing, begin = (np.array([each]) for each in (inflow.low, inflow.high, 0, start))
    whole = Inflow(low, high, nothing, nothing, nothing)
    return prove(neuron, whole, premise, begin).union()


seeds = st.integers(0, 2**32 - 1)
"""Seeds of random networks and images; hypothesis prints the one that fails."""
