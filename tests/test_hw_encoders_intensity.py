"""The encoder on bad images and at full speed; its events are held against ``sim`` by
test_agreement.py.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.trace import field, input_events, pixels
from hw.encoders.intensity import IntensityEncoder
from hw.events import Kind, event
from random_networks import random_network, seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

CLOSING = Kind.END.value | Kind.ABORT.value


def machine(pool, ticks):
    """A network for 8 x 8 images in which intensity n fires at tick ticks[n]."""
    spike_tick = np.full(256, -1, np.int16)
    spike_tick[: len(ticks)] = ticks
    inputs = 64 // pool**2
    encoder = Intensity((8, 8), pool, np.arange(inputs, dtype=np.int32), spike_tick)
    return Network(
        encoder,
        (Layer(Dense(np.ones((inputs, 1), np.int8)), Neuron(1)),),
        FirstSpike(),
        1,
        9,
        ("yes",),
    )


@pytest.mark.parametrize(
    ("pool", "ticks", "passes"), [(1, (0,), 0), (2, (0,), 0), (1, (0, 3, 7), 2), (2, (0, 3, 7), 2)]
)
def test_a_pixel_takes_a_cycle_and_each_later_tick_another_pass(pool, ticks, passes):
    network = machine(pool, ticks)
    images = np.resize(np.arange(len(ticks), dtype=np.uint8), (3, 8, 8))
    run = AmaranthEngine(IntensityEncoder(network)).run(Stimulus(pixels(images), CLOSING))
    assert run.cycles <= 3 * (64 + passes * (64 // pool**2 + 4) + 6)


@settings(max_examples=30)
@given(seeds, st.lists(st.integers(0, 70), min_size=1, max_size=4))
def test_an_image_of_the_wrong_length_is_aborted_and_the_next_is_right(seed, lengths):
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    good = rng.integers(0, 256, (1, *network.encoder.image_shape)).astype(np.uint8)
    size = good.size
    wrong = [length + (length >= size - 1) + 1 for length in lengths]
    bad = [[*rng.integers(0, 256, length - 1).tolist(), 256] for length in wrong]
    run = AmaranthEngine(IntensityEncoder(network)).run(
        Stimulus([*bad, *pixels(good)], CLOSING, seed=seed % 1000)
    )
    kinds = field(run.outputs, event(network), "kind")
    ends = np.flatnonzero(kinds != Kind.SPIKE.value)
    assert kinds[ends].tolist() == [Kind.ABORT.value] * len(bad) + [Kind.END.value]
    beats = [int.from_bytes(row.tobytes(), "little") for row in run.outputs[ends[-2] + 1 :]]
    assert beats == input_events(network, good)[0]
