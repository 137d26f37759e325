"""Training learns, and resumes to the same bits."""

import math
from collections import Counter
from dataclasses import replace

import pytest
import torch

from sim import batch, pipeline
from sim.data.dataset import Dataset
from sim.errors import InputError
from sim.file import load
from small_data import PATTERNS, patterns, yin_yang
from small_training import SMALL, YIN_YANG
from train.data import Part, split
from train.evaluate import evaluate
from train.export import export
from train.fit import Training, batch_size, fit, steps_per_epoch, warm_up
from train.settings import TrainSettings


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


@pytest.mark.parametrize("hidden", [(60, 30), (40, 40, 40), (30, 20, 20, 10)])
def test_deep_networks_start_in_time(hidden):
    recipe = replace(YIN_YANG, hidden=hidden)
    network = Training(SMALL, replace(recipe, bits=())).network
    times = network(network.encode(SMALL.train.images[:500]))
    for index, layer in enumerate(times.hidden, start=1):
        in_time = layer <= recipe.last_tick * index / (len(hidden) + 1)
        enough = in_time.sum(dim=1) >= recipe.alive_share * layer.shape[1]
        assert enough.float().mean() >= 0.98

    # on other images, and with rounded weights, a few more are late
    assert evaluate(network, SMALL.validation)["timeouts"] < 0.05
    assert evaluate(Training(SMALL, recipe).network, SMALL.validation)["timeouts"] < 0.05


def test_the_outputs_of_a_shallow_network_start_as_they_were_drawn():
    weight = Training(SMALL, YIN_YANG).network.weights[-1]
    assert -2 / 40**0.5 + 2 / 40 <= weight.min() < 0
    assert 0.3 < weight.max() <= 2 / 40**0.5 + 2 / 40


def test_three_hidden_layers_train_without_late_decisions():
    training = fit(split(yin_yang()), replace(YIN_YANG, hidden=(40, 40, 40), late_cost=0.2))
    assert training.history[-1]["accuracy"] > 0.7
    assert training.history[-1]["timeouts"] == 0


def test_hidden_neurons_learn_to_fire_twice():
    data = split(yin_yang())
    training = fit(data, replace(YIN_YANG, spikes=2, alive_share=0.9))
    assert training.history[-1]["accuracy"] > 0.7
    network = training.network.to_network(data.classes, {})
    assert [layer.neuron.limit for layer in network.layers] == [2, 0]
    found = batch.run(network, data.test.images.numpy())
    assert evaluate(training.network, data.test)["hidden_spikes"] == found.events[:, 1].mean()

    spikes = [pipeline.run(network, image).spikes[1] for image in data.test.images[:20].numpy()]
    assert max(max(Counter(spike.neuron for spike in each).values()) for each in spikes) == 2


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


def test_budget_of_inputs_is_met():
    assert fit(SMALL, replace(YIN_YANG, inputs=2)).network.encoder.inputs == 2


def test_silent_intensities_can_be_chosen_after_training(tmp_path):
    path = tmp_path / "training.checkpoint"
    trained = fit(SMALL, replace(YIN_YANG, epochs=1), path)
    again = fit(SMALL, replace(YIN_YANG, epochs=1, max_silent_intensity=40), path)
    assert again.history == trained.history


MAPS = TrainSettings(
    dataset="patterns",
    maps=(6, 4),
    kernel=(3, 2),
    stride=(2, 1),
    hidden=(),
    bits=(8, 4, 8),
    epochs=12,
    batch=32,
    learning_rate=0.02,
    warp=0.0,
    wake_share=0.05,
    spike_cost=1e-3,
)
"""Convolutions of first-spike neurons."""


def test_convolutions_learn_and_export_and_resume(tmp_path):
    data = split(PATTERNS)
    training = fit(data, MAPS)
    assert evaluate(training.network, data.test)["accuracy"] > 0.9  # a third by chance
    figures = export(training.network, data, MAPS, tmp_path / "out")
    assert figures["sizes"] == [64, 3 * 3 * 6, 2 * 2 * 4, 3]
    assert load(tmp_path / "out" / "network.safetensors").layers[0].connection.stride == 2

    path = tmp_path / "training.checkpoint"
    interrupted = Training(data, MAPS)
    interrupted.run_epoch()
    interrupted.save(path)
    resumed = fit(data, MAPS, path)
    assert resumed.history == training.history
    for ours, theirs in zip(weights(resumed), weights(training), strict=True):
        assert torch.equal(ours, theirs)


def test_spikes_of_convolutions_cost_what_they_look_up():
    """A spike in the corner of a map is seen from fewer positions than one in its middle."""
    training = Training(split(PATTERNS), MAPS)
    assert training.costs is not None
    first, second = (1000 * cost for cost in training.costs)
    expected = 4 * torch.tensor([1.0, 2, 1, 2, 4, 2, 1, 2, 1])
    torch.testing.assert_close(first.view(9, 6), expected.unsqueeze(1).expand(9, 6))
    torch.testing.assert_close(second, torch.full((16,), 3.0))
    assert Training(SMALL, YIN_YANG).costs is None


def test_silent_channels_are_woken_at_all_positions():
    """The neurons of a map share their weights: raising one raises all."""
    data = split(PATTERNS)
    network = Training(data, MAPS).network
    spikes = network.encode(data.train.images[:200])
    with torch.no_grad():
        network.weights[0][..., 1] -= 5.0
    before = network.weights[0].detach().clone()
    network.wake(spikes, 0.02)
    raised = network.weights[0] - before
    assert (raised[..., 1] > 0).all()
    assert (raised[..., 0] == 0).all()


def test_the_learning_rate_rises_over_200_steps_or_a_tenth_of_training():
    assert [warm_up(step, 17_160) for step in (0, 99, 199, 200)] == [1 / 200, 0.5, 1.0, 1.0]
    assert [warm_up(step, 40) for step in (0, 1, 3, 4)] == [0.25, 0.5, 1.0, 1.0]
    assert warm_up(99, 2000) == 0.5
    assert warm_up(0, 1) == 1.0


def test_an_epoch_has_sixteen_steps_or_one_for_each_image():
    def steps(count, batch):
        part = Part(torch.zeros(count, 2, 2), torch.zeros(count))
        return batch_size(part, batch), steps_per_epoch(part, batch)

    assert steps(55_000, 128) == (128, 429)
    assert steps(2048, 128) == (128, 16)
    assert steps(220, 128) == (13, 16)
    assert steps(5, 128) == (1, 5)
    assert steps(5, 1) == (1, 5)


def test_little_data_is_learnt_by_the_recipe_as_it_is():
    """With a warm-up of 200 steps and 40 steps in all, every decision was late."""
    classes = PATTERNS.classes
    data = split(Dataset("patterns", classes, *patterns(240, 0), *patterns(100, 1)))
    training = fit(data, TrainSettings(hidden=(30,), warp=0.0, epochs=20))
    found = evaluate(training.network, data.test)
    assert found["timeouts"] < 0.05
    assert found["accuracy"] > 0.9
