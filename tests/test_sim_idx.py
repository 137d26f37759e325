"""IDX files arrive whole, or not at all."""

import gzip

import numpy as np
import pytest

from sim.data.idx import idx_bytes, read_idx
from sim.errors import InputError

IMAGES = np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28)


LABELS = np.array([3, 9], np.uint8)


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
