"""The encoder on bad images and at full speed; its events are compared with ``sim`` by
test_agreement.py.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.trace import field, input_events, pixels
from hw.encoders import make_encoder
from hw.encoders.intensity import IntensityEncoder
from hw.events import Kind, event
from hw.fpga.ecp5 import ECP5_25F
from hw.fpga.ice40 import UP5K
from hw.verilog import to_rtlil
from random_networks import any_network, random_images, random_network, seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
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


def test_images_with_channels_are_read_whole_and_never_pooled():
    network = any_network(56)  # of 8 x 8 x 2 pixels
    images = random_images(network, 2, 1)
    run = AmaranthEngine(IntensityEncoder(network)).run(Stimulus(pixels(images), CLOSING))
    beats = [int.from_bytes(row.tobytes(), "little") for row in run.outputs]
    assert beats == [beat for image in input_events(network, images) for beat in image]

    encoder = replace(network.encoder, image_shape=(16, 16, 2), pool=2)
    with pytest.raises(InputError, match="pool: of images with channels is not possible"):
        make_encoder(replace(network, encoder=encoder))


def test_the_table_of_ticks_takes_no_block_where_there_are_few():
    """One tick, on iCE40, and not in networks of version 1, whose bitstreams stay as they were."""
    maps = any_network(24)
    spike_tick = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
    binary = replace(maps, encoder=replace(maps.encoder, spike_tick=spike_tick))
    for network, device, logic in (
        (binary, UP5K, True),
        (binary, ECP5_25F, False),
        (machine(1, (0,)), UP5K, False),
        (machine(1, (0, 3)), UP5K, False),
    ):
        assert ("ram_style" in to_rtlil(IntensityEncoder(network), device)) == logic
