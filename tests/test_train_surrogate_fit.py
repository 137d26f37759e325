"""Training of leaky neurons learns, resumes to the same bits, and ends on the machine."""

from dataclasses import replace

import pytest
import torch

from sim import batch
from sim.errors import InputError
from small_windows import SMALL_WINDOWS
from test_train_surrogate_network import SMALL_LEAKY
from train.export import check, decide_all
from train.fit import run
from train.parallel import ALONE
from train.surrogate.fit import LeakyTraining


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"readout": "peak", "synapse": 1, "reset": "subtract"},
        {"readout": "most_spikes", "reset": "once", "surrogate": "arctan", "through_reset": 1},
        {"readout": "final", "loss": "every-tick", "bits": (4,)},
    ],
    ids=["first_spike", "peak", "most_spikes", "final"],
)
def test_learns_and_is_the_machines(change):
    training = run(LeakyTraining(SMALL_WINDOWS, replace(SMALL_LEAKY, **change)))
    assert training.history[-1]["accuracy"] > 0.8  # three classes
    assert training.network.rounds
    network = training.result()
    machine = network.to_network(SMALL_WINDOWS.classes, {})
    part = SMALL_WINDOWS.test
    check(decide_all(network, part), batch.run(machine, part.images.numpy()))


def test_resumed_run_equals_an_uninterrupted_one(tmp_path):
    recipe = replace(SMALL_LEAKY, epochs=4, real_share=0.5, warp=0.3)
    whole = run(LeakyTraining(SMALL_WINDOWS, recipe))
    path = tmp_path / "training.checkpoint"
    for stop in (1, 3):
        part = LeakyTraining(SMALL_WINDOWS, recipe)
        if path.exists():
            part.restore(path)
        while part.epoch < stop:
            part.run_epoch()
        part.save(path)
    resumed = run(LeakyTraining(SMALL_WINDOWS, recipe), path)
    assert resumed.history == whole.history
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_dear_spikes_are_fewer():
    rows = [
        run(LeakyTraining(SMALL_WINDOWS, replace(SMALL_LEAKY, spike_cost=cost))).history[-1]
        for cost in (0.0, 1.0)
    ]
    assert rows[1]["hidden_spikes"] < 0.7 * rows[0]["hidden_spikes"]


def test_silent_intensities_are_silenced_in_the_result():
    recipe = replace(SMALL_LEAKY, bright=(127,), epochs=1, max_silent_intensity=200)
    encoder = run(LeakyTraining(SMALL_WINDOWS, recipe)).result().encoder
    assert encoder.spike_tick[150] == -1
    assert encoder.spike_tick[201] == 0


def test_several_processes_are_refused():
    with pytest.raises(InputError, match="torchrun: --neuron leaky is trained by one process"):
        LeakyTraining(SMALL_WINDOWS, SMALL_LEAKY, replace(ALONE, count=2))
