"""Fashion-MNIST comes from a folder, and is never downloaded."""

import numpy as np
import pytest

from sim.data import fashion
from sim.data.idx import FILES, idx_bytes
from sim.errors import InputError


def test_the_four_files_are_the_four_arrays(tmp_path):
    expected = []
    for index, name in enumerate(FILES):
        shape = (3 + index, 28, 28) if "images" in name else (2 + index,)
        expected.append(np.full(shape, index, np.uint8))
        (tmp_path / name).write_bytes(idx_bytes(expected[-1]))
    for found, array in zip(fashion.read(tmp_path), expected, strict=True):
        np.testing.assert_array_equal(found, array)


def test_without_a_folder_the_remedy_is_named():
    with pytest.raises(InputError, match="'fashion-mnist' is not downloaded; give the folder"):
        fashion.read(None)


def test_labels_mean_ten_clothes():
    assert len(set(fashion.CLASSES)) == 10
    assert fashion.CLASSES[0] == "T-shirt"
    assert fashion.CLASSES[9] == "Ankle boot"
