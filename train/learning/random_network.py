"""The network that learning in place starts from when there is none: random weights that fire early
and late.
"""

from collections.abc import Sequence

import numpy as np

from sim.connections.dense import Dense
from sim.data.dataset import Dataset
from sim.encoders.intensity import NEVER, Intensity, encode
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

TICKS_PER_UNIT = 16
"""R of a network that starts at random; last_tick is six times as much."""

MOST_HIDDEN = 2**16


def random_network(
    data: Dataset, hidden: int, seed: int, bright: Sequence[int] = (127,)
) -> Network:
    """Return a network of random 8-bit weights for a data set, inputs-hidden-classes, R = 16, K =
    96.

    :param bright: descending; intensities above the first fire at tick 0, above the next at tick
        R/4, and so on; all others never. The hidden threshold is 4 per spike of an average image:
        neurons fire early and late from the start.
    :raises InputError: no hidden neuron or too many, or ``bright`` is not descending.
    """
    if not 1 <= hidden <= MOST_HIDDEN:
        raise InputError(f"--hidden: must be in 1..{MOST_HIDDEN}, not {hidden}.")
    if (
        not bright
        or list(bright) != sorted(set(bright), reverse=True)
        or not 0 <= bright[-1] <= bright[0] < 255
    ):
        raise InputError(f"--bright: must be descending intensities in 0..254, not {list(bright)}.")

    height, width = data.train_images.shape[1:]
    spike_tick = np.full(256, NEVER, np.int16)
    for level, intensity in reversed(list(enumerate(bright))):
        spike_tick[intensity + 1 :] = TICKS_PER_UNIT // 4 * level
    encoder = Intensity((height, width), 1, np.arange(height * width, dtype=np.int32), spike_tick)

    # an average image brings this many spikes, which the hidden threshold follows
    spikes = float((encode(encoder, data.train_images) != NEVER).sum(axis=1).mean())

    # hidden weights are drawn first
    rng = np.random.default_rng(seed)
    layers = (
        Layer(
            Dense(rng.integers(-14, 27, (encoder.inputs, hidden)).astype(np.int8)),
            Neuron(max(1, round(4 * spikes))),
        ),
        Layer(
            Dense(rng.integers(-6, 15, (hidden, len(data.classes))).astype(np.int8)), Neuron(400)
        ),
    )

    return Network(encoder, layers, FirstSpike(), TICKS_PER_UNIT, 6 * TICKS_PER_UNIT, data.classes)
