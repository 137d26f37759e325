"""Data sets by name, from folders of IDX files."""

import numpy as np
import pytest

from sim.data.dataset import load
from sim.data.idx import FILES, idx_bytes
from sim.errors import InputError

IMAGES = np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28)


LABELS = np.array([3, 9], np.uint8)


def folder_of(tmp_path, **changes):
    contents = (
        dict(zip(FILES, map(idx_bytes, (IMAGES, LABELS, IMAGES, LABELS)), strict=True)) | changes
    )
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_folder_of_idx_files(tmp_path):
    data = load("fashion-mnist", folder_of(tmp_path))
    assert np.array_equal(data.train_images, IMAGES)
    assert np.array_equal(data.test_labels, LABELS)
    assert data.classes[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({FILES[1]: idx_bytes(LABELS[:1])}, "train has images .* and labels"),
        ({FILES[3]: idx_bytes(LABELS + np.uint8(1))}, "t10k has label 10, mnist has 10 classes"),
    ],
)
def test_inconsistent_folder(tmp_path, change, sentence):
    with pytest.raises(InputError, match=sentence):
        load("mnist", folder_of(tmp_path, **change))


def test_unknown_and_missing_data(tmp_path):
    with pytest.raises(InputError, match="'cifar' is unknown; choose one of mnist, fashion-mnist"):
        load("cifar")
    with pytest.raises(InputError, match="train-images-idx3-ubyte: no such file"):
        load("mnist", tmp_path)
