"""Export compares training with the machine before it writes anything."""

import numpy as np
import pytest
import torch

from sim import batch
from sim.errors import InputError
from small_data import yin_yang
from train.data import split
from train.export import check, decide_all, export
from train.fit import Training
from train.pipeline import Outcome
from train.settings import TrainSettings


def test_a_difference_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    data = split(yin_yang(600))
    training = Training(data, TrainSettings(dataset="yin-yang", hidden=(10,), warp=0))
    right = decide_all(training.network, data.test)
    wrong = right.decision.clone()
    wrong[7:] = (wrong[7:] + 1) % 3
    lie = Outcome(wrong, right.tick, right.timed_out, right.events)
    monkeypatch.setattr("train.export.decide_all", lambda *_: lie)
    sentence = (
        rf"image 7: training decides {wrong[7]} at tick {right.tick[7]}, "
        rf"the integer machine {right.decision[7]}"
    )
    with pytest.raises(InputError, match=sentence):
        export(training.network, data, training.settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_equal_decisions_pass():
    one = torch.tensor([1])
    outcome = Outcome(one, one, one > 1, one.unsqueeze(1))
    array = np.array([1], np.int32)
    check(
        outcome,
        batch.Decisions(array, array, array > 1, *[array[:, None].astype(np.int64)] * 3),
    )
