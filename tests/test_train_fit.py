"""Training learns, resumes to the same bits, and prunes without changing what it should not."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from random_networks import random_images, random_network, seeds
from sim import batch
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from small_data import yin_yang
from train.data import split
from train.evaluate import evaluate
from train.fit import Training, fit
from train.pipeline import SpikingNetwork
from train.prune import keep_inputs, silence, useful_inputs, without_dead_neurons
from train.settings import TrainSettings

YIN_YANG = TrainSettings(
    dataset="yin-yang",
    hidden=(40,),
    bright=(224, 192, 160, 128, 96, 64, 32),
    bright_ticks=(0, 1, 2, 3, 4, 5, 6),
    dark_tick=7,
    epochs=4,
    batch=64,
    warp=0.0,
    spike_cost=1e-4,
    margin=9.0,
    late_cost=0.0,
    alive_cost=0.05,
)
"""A recipe that learns the yin-yang set in seconds; its images are 2 x 2 intensities."""

SMALL = split(yin_yang(1200))


def weights(training):
    return [weight.detach() for weight in training.network.weights]


def test_learns_with_several_input_ticks_and_two_hidden_layers():
    data = split(yin_yang())
    training = fit(data, replace(YIN_YANG, hidden=(60, 30)))
    assert training.history[-1]["accuracy"] > 0.7  # the largest class has 47 %
    assert evaluate(training.network, data.test)["accuracy"] > 0.7


@pytest.mark.parametrize(
    "change", [{}, {"bits": (), "input_noise": 0.1}, {"warp": 1.0, "inputs": 3, "wake_share": 0.3}]
)
def test_resumed_run_equals_an_uninterrupted_one(tmp_path, change):
    recipe = replace(YIN_YANG, **change)
    whole = fit(SMALL, recipe)
    path = tmp_path / "training.checkpoint"
    for stop in (1, 3):
        part = Training(SMALL, recipe)
        if path.exists():
            part.restore(path)
        while part.epoch < stop:
            part.run_epoch()
        part.save(path)
    resumed = fit(SMALL, recipe, path)
    assert resumed.history == whole.history
    assert resumed.network.thresholds == whole.network.thresholds
    for first, second in zip(weights(whole), weights(resumed), strict=True):
        assert torch.equal(first, second)


def test_seed_decides_the_result():
    first, again, other = (fit(SMALL, replace(YIN_YANG, epochs=1, seed=seed)) for seed in (1, 1, 2))
    assert all(torch.equal(*pair) for pair in zip(weights(first), weights(again), strict=True))
    assert not torch.equal(weights(first)[0], weights(other)[0])


def test_network_starts_as_lively_as_asked():
    for share in (0.2, 0.9):
        network = Training(SMALL, replace(YIN_YANG, bits=(), alive_share=share)).network
        hidden = network(network.encode(SMALL.train.images)).hidden[0]
        assert (hidden < math.inf).float().mean() >= share - 0.02
    lively = replace(YIN_YANG, alive_share=0.9)
    waits = [
        evaluate(
            Training(SMALL, replace(lively, expected_spikes=spikes)).network, SMALL.validation
        )["hidden_spikes"]
        for spikes in (5, 40)
    ]
    assert waits[0] < waits[1]


def test_silent_neurons_are_woken_and_others_left_alone():
    network = Training(SMALL, replace(YIN_YANG, alive_share=0.9)).network
    spikes = network.encode(SMALL.train.images)
    with torch.no_grad():
        network.weights[0][:, ::2] = 0.01
    before = network.weights[0].detach().clone()
    awake = (network(spikes).hidden[0] < math.inf).float().mean(dim=0) >= 0.02
    assert not awake[::2].any()
    for _ in range(10):
        network.wake(spikes, 0.02)
    assert ((network(spikes).hidden[0] < math.inf).float().mean(dim=0) >= 0.02).all()
    assert torch.equal(network.weights[0][:, awake], before[:, awake])


@pytest.mark.parametrize(
    ("key", "value"),
    [("wake_share", 1.1), ("alive_share", 1.1), ("alive_share", -0.1), ("expected_spikes", 0)],
)
def test_impossible_start_is_refused(key, value):
    with pytest.raises(InputError, match=f"--{key.replace('_', '-')}"):
        replace(YIN_YANG, **{key: value})


def test_checkpoint_of_other_settings_is_refused(tmp_path):
    path = tmp_path / "training.checkpoint"
    Training(SMALL, YIN_YANG).save(path)
    with pytest.raises(InputError, match=r"hidden = \(40,\), not \(8,\)"):
        Training(SMALL, replace(YIN_YANG, hidden=(8,))).restore(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 neither"])
def test_damaged_checkpoint_is_one_sentence(tmp_path, content):
    path = tmp_path / "training.checkpoint"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or not a checkpoint"):
        Training(SMALL, YIN_YANG).restore(path)


def test_foreign_checkpoint_runs_nothing(tmp_path):
    path = tmp_path / "training.checkpoint"
    torch.save({"format": "other"}, path)
    with pytest.raises(InputError, match="not a checkpoint of this version"):
        Training(SMALL, YIN_YANG).restore(path)


def test_pruning_keeps_the_most_useful_inputs():
    network = Training(SMALL, YIN_YANG).network
    with torch.no_grad():
        network.weights[0][2] = 0.0
    kept = useful_inputs(network, SMALL.train.images, 3)
    assert kept.tolist() == [0, 1, 3]
    smaller = keep_inputs(network, kept)
    assert smaller.encoder.pixels.tolist() == [0, 1, 3]
    images = SMALL.validation.images
    assert torch.equal(smaller.decide(images).decision, network.decide(images).decision)


def test_budget_of_inputs_is_met():
    assert fit(SMALL, replace(YIN_YANG, inputs=2)).network.encoder.inputs == 2


def test_silent_intensities_are_as_if_their_pixels_were_dark():
    network = Training(SMALL, replace(YIN_YANG, dark_tick=-1)).network
    images = SMALL.validation.images
    dark = images.masked_fill(images <= 150, 0)
    quieter = silence(network, 150)
    for name, found in vars(quieter.decide(images)).items():
        assert torch.equal(found, getattr(network.decide(dark), name)), name
    assert not torch.equal(quieter.decide(images).events, network.decide(images).events)
    assert silence(network, 0) is network


def test_silent_intensities_can_be_chosen_after_training(tmp_path):
    path = tmp_path / "training.checkpoint"
    trained = fit(SMALL, replace(YIN_YANG, epochs=1), path)
    again = fit(SMALL, replace(YIN_YANG, epochs=1, max_silent_intensity=40), path)
    assert again.history == trained.history


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_removing_dead_neurons_leaves_decisions(seed):
    network = random_network(seed)
    smaller, removed = without_dead_neurons(network)
    lost = sum(
        before.fan_out - after.fan_out
        for before, after in zip(network.layers, smaller.layers, strict=True)
    )
    assert sum(removed) == lost
    images = random_images(network, 20, seed)
    before, after = batch.run(network, images), batch.run(smaller, images)
    np.testing.assert_array_equal(before.decision, after.decision)
    np.testing.assert_array_equal(before.tick, after.tick)
    np.testing.assert_array_equal(before.potential, after.potential)


def test_dead_neurons_go_in_chains():
    """Layer 1 neuron 0 can never fire; so layer 0 neuron 0, which feeds only it, has no use."""
    encoder = Intensity((1, 1), 1, np.zeros(1, np.int32), np.zeros(256, np.int16))
    network = SpikingNetwork(encoder, (2, 2, 2), 2, 20, (8, 8, 8))
    network.thresholds = [10, 10, 10]
    with torch.no_grad():
        for weight, values in zip(
            network.weights, ([[9, 9]], [[1, 0], [0, 9]], [[9, 9], [9, 0]]), strict=True
        ):
            weight.copy_(torch.tensor(values) / 5)
    smaller, removed = without_dead_neurons(network.to_network(("a", "b"), {}))
    assert removed == [1, 1]
    assert [layer.weight.tolist() for layer in smaller.layers] == [[[18]], [[18]], [[18, 0]]]
