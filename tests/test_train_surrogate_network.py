"""What training computes is what the integer machine answers, for every readout and reset."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import batch
from sim.errors import InputError
from small_windows import SMALL_WINDOWS
from train.export import check, check_spikes
from train.surrogate.network import new_network
from train.surrogate.settings import LeakySettings

IMAGES = SMALL_WINDOWS.train.images[:40]
SMALL_LEAKY = LeakySettings(
    hidden=(9,),
    last_tick=6,
    bright=(200, 100),
    epochs=6,
    batch=16,
    learning_rate=2e-2,
    warp=0.0,
    slope=10.0,
    level_sharpness=8.0,
)


def network_of(recipe, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return new_network(recipe, (8, 8), 3, IMAGES, generator)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_decisions_spikes_and_potentials_are_the_machines(seed):
    rng = np.random.default_rng(seed)
    recipe = replace(
        SMALL_LEAKY,
        hidden=tuple(int(size) for size in rng.integers(1, 9, rng.integers(0, 3))),
        bits=(int(rng.integers(2, 9)),),
        leak=int(rng.integers(0, 9)),
        leak_out=int(rng.integers(0, 9)),
        synapse=int(rng.integers(0, 4)),
        reset=str(rng.choice(["zero", "subtract", "once"])),
        readout=str(rng.choice(["first_spike", "peak", "most_spikes", "final"])),
    )
    network = network_of(recipe, seed % 2**31)
    network.choose_thresholds()
    machine = network.to_network(SMALL_WINDOWS.classes, {})
    check(network.decide(IMAGES), batch.run(machine, IMAGES.numpy()))
    check_spikes(network, IMAGES[:3], machine)


def test_rounded_training_computes_what_is_exported():
    network = network_of(SMALL_LEAKY)
    network.round_from_now_on()
    activity = network(IMAGES)
    found = network.decide(IMAGES)
    chosen = torch.arange(len(IMAGES)), found.tick
    last = activity.outputs.potential[chosen] * network.get_buffer("thresholds")[-1]
    assert torch.equal(last.round().to(torch.int64), found.potential)
    activity.outputs.potential.sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in network.weights)


def test_a_current_brings_as_much_in_all():
    """What a spike adds to a potential that holds, over all ticks, does not depend on it."""
    brought = []
    for synapse in (0, 1):
        recipe = replace(SMALL_LEAKY, synapse=synapse, readout="final", hidden=(), leak_out=0)
        network = network_of(replace(recipe, last_tick=20, bright=(127,)))
        brought.append(network(IMAGES, whole=False).outputs.potential[:, -1])
    torch.testing.assert_close(*brought, rtol=1e-3, atol=1e-3)


def test_states_that_floats_cannot_hold_are_refused():
    recipe = replace(SMALL_LEAKY, leak=0, leak_out=0, synapse=8, last_tick=2000)
    network = network_of(recipe)
    network.choose_thresholds()
    with pytest.raises(InputError, match=r"layers.1: needs states of \d+ bits, over 25"):
        network.to_network(SMALL_WINDOWS.classes, {})
