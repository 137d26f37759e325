"""Pixels that fire at several ticks: the encoder alone, and before windows; leaky networks with it
are compared with ``sim`` by test_agreement.py.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.simulate import Simulation, compare, compare_events
from hw.bench.trace import pixels, split_images
from hw.encoders import make_encoder
from hw.events import Kind
from hw.flow.placement import other_memories
from hw.parameters import MachineParameters
from random_networks import any_network, random_images, random_network, seeds
from sim.errors import InputError
from sim.pipeline import run

CLOSING = Kind.END.value | Kind.ABORT.value


def masked(network, seed, *, ticks=None):
    """The same network with a mask of random density in place of a tick per intensity, from any
    tick on.
    """
    rng, last = np.random.default_rng(seed), network.encoder.last_tick
    first = int(rng.integers(last + 1))
    mask = (rng.random((256, last + 1)) < rng.random() ** 2).astype(np.uint8)
    mask[:, :first] = 0
    mask[rng.integers(256), first if ticks is None else ticks] = 1
    encoder = replace(network.encoder, spike_tick=None, mask=mask)
    layers = [replace(layer, weight_bits=max(layer.weight_bits, 2)) for layer in network.layers]
    return replace(network, encoder=encoder, layers=tuple(layers))


def encoded(network, images, seed=None, before=()):
    """Run the encoder alone; return the beats of each image."""
    stimulus = Stimulus([*before, *pixels(images)], CLOSING, seed=seed)
    return split_images(AmaranthEngine(make_encoder(network)).run(stimulus), network)


@settings(max_examples=20)
@given(seeds, st.booleans())
def test_events_are_those_of_sim_also_after_a_broken_image(seed, pauses):
    network = masked(random_network(seed), seed)
    images = random_images(network, 3, seed)
    broken = [0] + pixels(images[:1])[0]  # a pixel too many
    first, *found = encoded(network, images, seed % 1000 if pauses else None, [broken])
    assert first[-1] & 3 == Kind.ABORT.value
    compare_events(network, found, images)


@settings(max_examples=8)
@given(seeds)
def test_neurons_with_a_window_are_given_each_spike(seed):
    """A spike is worth the ticks that are left, and several ticks can be."""
    network = any_network(seed, dense=True)
    network = masked(network, seed, ticks=network.encoder.last_tick)
    images = random_images(network, 2, seed)
    for index, found in enumerate(Simulation(MachineParameters(network), "amaranth").run(images)):
        compare(index, run(network, images[index]), found)


def test_a_later_tick_takes_another_pass_and_a_tick_of_no_pixel_none():
    network = masked(random_network(3), 3)
    size = int(np.prod(network.encoder.image_shape))
    inputs = network.encoder.inputs
    mask = np.zeros((256, 4 if network.last_tick > 2 else 2), np.uint8)
    mask[1, 0] = mask[1, -1] = mask[2, 0] = 1
    mask[3, 1] = 1
    network = replace(network, encoder=replace(network.encoder, mask=mask))
    images = np.ones((2, *network.encoder.image_shape), np.uint8)
    for intensity, passes in ((1, 1), (2, 0)):
        stimulus = Stimulus(pixels(images * intensity), CLOSING)
        cycles = AmaranthEngine(make_encoder(network)).run(stimulus).cycles
        emitted = 2 * inputs * (1 + passes)
        assert cycles <= emitted + 2 * (size + passes * 4 + 6)


def test_pooled_channels_are_refused():
    maps = masked(any_network(56), 1)  # of 8 x 8 x 2 pixels
    pooled = replace(maps, encoder=replace(maps.encoder, image_shape=(16, 16, 2), pool=2))
    with pytest.raises(InputError, match="pool: of images with channels is not possible"):
        make_encoder(pooled)


def test_check_counts_a_bit_per_tick():
    network = masked(random_network(2), 2)
    ticks = network.encoder.last_tick - network.encoder.first_tick + 1
    table, kept, *_ = other_memories(MachineParameters(network))
    assert (table.depth, table.width) == (256, ticks)
    assert (kept.depth, kept.width) == (network.encoder.inputs, ticks)
