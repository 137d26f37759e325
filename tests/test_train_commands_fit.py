"""``train fit`` as a user meets it."""

import numpy as np
import pytest

from sim.data.idx import FILES, idx_bytes
from sim.errors import InputError
from small_data import CODE, RECIPE
from train.commands.parser import main


def train(*arguments):
    return main(list(map(str, arguments)))


def test_tensorboard_logs_every_epoch(tmp_path):
    train("fit", "--out", tmp_path, *RECIPE, *CODE, "--tensorboard")
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_damaged_data_is_named(tmp_path):
    for name in FILES:
        (tmp_path / name).write_bytes(
            idx_bytes(np.zeros((3, 28, 28) if "images" in name else 3, np.uint8))[:-1]
        )
    with pytest.raises(InputError, match="fetch it again"):
        train("fit", "--dataset", "fashion-mnist", "--data", tmp_path, "--out", tmp_path / "out")
