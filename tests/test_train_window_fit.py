"""Training of the window code learns, resumes to the same bits, and ends on the machine."""

import math
from dataclasses import replace

import pytest
import torch

from sim import batch
from sim.errors import InputError
from small_training import SMALL, YIN_YANG
from small_windows import CONVOLUTION, SMALL_WINDOWS
from train.export import check, decide_all
from train.fit import Training, run
from train.parallel import ALONE, Processes
from train.window.fit import WindowTraining
from train.window.settings import WindowSettings

DENSE = replace(CONVOLUTION, maps=(), hidden=(12,), inputs=40, warp=0.3, mirror=0.3, smoothing=0.1)


@pytest.mark.parametrize("change", [{}, {"bits": (1,)}, {"window": 1, "bits": (3,)}])
def test_learns_and_is_the_machines(change):
    training = run(WindowTraining(SMALL_WINDOWS, replace(CONVOLUTION, **change)))
    assert training.history[-1]["accuracy"] > 0.85  # three classes
    network = training.result()
    machine = network.to_network(SMALL_WINDOWS.classes, {})
    part = SMALL_WINDOWS.test
    check(decide_all(network, part), batch.run(machine, part.images.numpy()))


@pytest.mark.parametrize("recipe", [CONVOLUTION, DENSE], ids=["convolution", "dense"])
def test_resumed_run_equals_an_uninterrupted_one(tmp_path, recipe):
    whole = run(WindowTraining(SMALL_WINDOWS, recipe))
    path = tmp_path / "training.checkpoint"
    for stop in (1, 3):
        part = WindowTraining(SMALL_WINDOWS, recipe)
        if path.exists():
            part.restore(path)
        while part.epoch < stop:
            part.run_epoch()
        part.save(path)
    resumed = run(WindowTraining(SMALL_WINDOWS, recipe), path)
    assert resumed.history == whole.history
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_dear_reads_are_fewer():
    recipe = replace(CONVOLUTION, epochs=3)
    rows = [
        run(WindowTraining(SMALL_WINDOWS, replace(recipe, spike_cost=cost))).history[-1]
        for cost in (0.0, 100.0)
    ]
    assert rows[1]["hidden_spikes"] < 0.7 * rows[0]["hidden_spikes"]
    assert rows[1]["reads"] < rows[0]["reads"]


def test_seed_decides_the_result():
    recipe = replace(CONVOLUTION, epochs=1)
    losses = [
        WindowTraining(SMALL_WINDOWS, replace(recipe, seed=seed)).run_epoch() for seed in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_the_last_part_is_settled():
    training = WindowTraining(SMALL_WINDOWS, replace(CONVOLUTION, settled=0.5))
    settled = []
    while training.epoch < 4:
        training.run_epoch()
        settled.append(training.settled)
    assert settled == [False, False, True, True]
    training = WindowTraining(SMALL_WINDOWS, replace(CONVOLUTION, settled=0.0, epochs=1))
    training.run_epoch()
    assert training.settled


def test_silent_intensities_are_silenced_in_the_result():
    recipe = replace(CONVOLUTION, bright=(127,), epochs=1, max_silent_intensity=200)
    encoder = run(WindowTraining(SMALL_WINDOWS, recipe)).result().encoder
    assert encoder.spike_tick[[200, 201]].tolist() == [-1, 0]


def test_other_settings_another_kind_and_several_processes_are_refused(tmp_path):
    path = tmp_path / "training.checkpoint"
    WindowTraining(SMALL_WINDOWS, CONVOLUTION).save(path)
    with pytest.raises(InputError, match=r"was trained with window = 7, not 3; give the same"):
        WindowTraining(SMALL_WINDOWS, replace(CONVOLUTION, window=3)).restore(path)
    with pytest.raises(InputError, match=r"settings: key .* does not fit this version"):
        Training(SMALL, YIN_YANG).restore(path)
    with pytest.raises(InputError, match="--neuron window is trained by one process"):
        WindowTraining(SMALL_WINDOWS, WindowSettings(), Processes(0, 2, ALONE.device))


@pytest.mark.parametrize("norm", [math.inf, math.nan])
def test_a_training_that_diverges_is_one_sentence(monkeypatch, norm):
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(norm))
    for training in (
        WindowTraining(SMALL_WINDOWS, CONVOLUTION),
        Training(SMALL, replace(YIN_YANG, hidden=(4,))),
    ):
        with pytest.raises(InputError, match="--learning-rate: training diverged; take a smaller"):
            training.run_epoch()
