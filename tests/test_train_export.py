"""Export compares training with the machine before it writes anything."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sim import batch
from sim.errors import InputError
from small_data import yin_yang
from train.data import split
from train.export import check, check_spikes, decide_all, export
from train.fit import Training
from train.pipeline import Outcome
from train.settings import TrainSettings


def test_a_difference_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    data = split(yin_yang(600))
    training = Training(data, TrainSettings(dataset="yin-yang", hidden=(10,), warp=0))
    right = decide_all(training.network, data.test)
    wrong = right.decision.clone()
    wrong[7:] = (wrong[7:] + 1) % 3
    lie = replace(right, decision=wrong)
    monkeypatch.setattr("train.export.decide_all", lambda *_: lie)
    sentence = (
        rf"image 7: training decides {wrong[7]} at tick {right.tick[7]}, "
        rf"the integer machine {right.decision[7]}"
    )
    with pytest.raises(InputError, match=sentence):
        export(training.network, data, training.settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


ONE = torch.tensor([1])
OUTCOME = Outcome(ONE, ONE, ONE > 1, ONE.unsqueeze(1), 3 * ONE.unsqueeze(1), 5 * ONE.unsqueeze(1))


def decisions(**changes):
    """What the machine found for one image."""
    one = np.array([1], np.int32)
    wide = np.array([[1]], np.int64)
    none = np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int32), None, False
    found = batch.Decisions(one, one, one > 1, one[:, None], 5 * wide, 3 * wide, *none)
    return replace(found, **changes)


def test_equal_decisions_pass():
    check(OUTCOME, decisions())
    without_potentials = replace(OUTCOME, potential=None)
    check(without_potentials, decisions(potential=np.array([[9]])))


@pytest.mark.parametrize("name", ["events", "reads", "potential"])
def test_a_different_count_is_named(name):
    with pytest.raises(
        InputError, match=rf"image 0: training has {name} \[\d\], .* \[7\]; nothing"
    ):
        check(OUTCOME, decisions(**{name: np.array([[7]])}))


def many(**changes):
    """What training and the machine found for four images; the machine's with changes by image."""
    count = torch.arange(4, dtype=torch.int32)
    wide = count.unsqueeze(1)
    expected = Outcome(count, count + 5, count > 2, wide, 3 * wide, 5 * wide)
    arrays = (count, count + 5, count > 2, wide, 5 * wide, 3 * wide)
    none = np.zeros((4, 1), np.int32), np.zeros((4, 1), np.int32), None, False
    found = batch.Decisions(*(array.numpy().copy() for array in arrays), *none)
    for name, images in changes.items():
        values = getattr(found, name)
        for image in images:
            values[image] = ~values[image] if name == "timed_out" else values[image] + 10
    return expected, found


@pytest.mark.parametrize("name", ["decision", "tick", "timed_out", "events", "reads", "potential"])
@pytest.mark.parametrize("images", [(0,), (3,), (2, 3), (1, 2)])
def test_the_first_image_that_differs_is_named(name, images):
    check(*many())
    with pytest.raises(InputError) as error:
        check(*many(**{name: images}))
    assert str(error.value).startswith(f"image {images[0]}: training ")


def test_decisions_are_named_before_counts_and_events_before_reads():
    with pytest.raises(InputError, match=r"image 3: training decides 3 at tick 8, .* at tick 18;"):
        check(*many(events=(0,), tick=(3,)))
    with pytest.raises(InputError, match=r"image 2: training has events \[2\], .* \[12\]; nothing"):
        check(*many(reads=(0,), events=(2,), potential=(1,)))


def test_a_network_without_dead_neurons_must_decide_alike(tmp_path, monkeypatch):
    data = split(yin_yang(240))
    training = Training(data, TrainSettings(dataset="yin-yang", hidden=(6,), warp=0))

    def spoilt(network):
        first, last = network.layers
        return replace(network, layers=(first, last.with_weight(-last.weight))), [1]

    monkeypatch.setattr("train.export.without_dead_neurons", spoilt)
    with pytest.raises(InputError, match=r"image \d+: training decides"):
        export(training.network, data, training.settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_different_spike_is_named():
    data = split(yin_yang(600))
    training = Training(data, TrainSettings(dataset="yin-yang", hidden=(10,), warp=0))
    network = training.network.to_network(data.classes, {})
    check_spikes(training.network, data.test.images[:3], network)
    weight = training.network.weights[0]
    with torch.no_grad():
        weight.add_(0.5)
    with pytest.raises(InputError, match=r"image \d: the spikes that layer 1 gets are others"):
        check_spikes(training.network, data.test.images[:20], network)
