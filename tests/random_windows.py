"""Small random networks of windows in integers, as training ends with them: convolutions or dense
layers, any kernel, stride, padding, number of channels, window and width of weights.
"""

import numpy as np
import torch

from sim.encoders.intensity import NEVER, Intensity
from sim.fixed_point import WeightFormat
from train.connections.convolution import Convolution
from train.connections.dense import Dense
from train.window.integers import IntegerLayer, IntegerNetwork


def random_windows(seed):
    """Draw a network from a seed."""
    rng = np.random.default_rng(seed)
    height, width = (int(size) for size in rng.integers(3, 9, 2))
    shape, connections = (height, width, 1), []
    for _ in range(rng.integers(0, 3)):
        kernel = int(rng.integers(1, 6))
        padding, stride = int(rng.integers(0, kernel)), int(rng.integers(1, 5))
        if kernel > min(shape[:2]) + 2 * padding:
            break
        connections.append(Convolution(shape, int(rng.integers(1, 5)), kernel, stride, padding))
        shape = connections[-1].output

    fan_in = shape[0] * shape[1] * shape[2]
    for fan_out in (*rng.integers(1, 7, rng.integers(0, 3)), rng.integers(2, 5)):
        connections.append(Dense(fan_in, int(fan_out)))
        fan_in = int(fan_out)

    windows = [int(rng.choice([1, 3, 7, 15])) for _ in connections[:-1]] + [0]
    layers = [_layer(rng, *pair) for pair in zip(connections, windows, strict=True)]
    pixels = np.arange(height * width, dtype=np.int32)
    return IntegerNetwork(Intensity((height, width), 1, pixels, _code(rng)), tuple(layers))


def _code(rng):
    """A few ticks, not in order of brightness; some intensities never fire."""
    ticks = rng.integers(NEVER, 5, 256).astype(np.int16)
    return np.append(ticks[:-1], np.int16(rng.integers(0, 4)))


def _layer(rng, connection, window):
    bits = int(rng.integers(1, 9))
    form = WeightFormat(bits, signs=bits == 1)
    weight = rng.integers(form.low, form.high + 1, connection.weight_shape)
    if form.signs:
        weight = np.where(weight == 0, 1, weight)
        weight.flat[0] = 1  # one bit without a +1 would be read as -1 and 0

    # potentials of all sizes: below 0, within the window, and above it
    scale = max(1, form.high * connection.weights_per_neuron // 3)
    start = rng.integers(-scale, 2 * scale + 1, connection.channels_out)
    return IntegerLayer(
        connection,
        torch.tensor(weight, dtype=torch.float64),
        torch.tensor(start, dtype=torch.float64),
        int(rng.integers(1, scale + 1)),
        window,
        bits,
    )
