"""IDX files arrive whole, or not at all."""

import gzip
import tracemalloc

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
        (idx_bytes(IMAGES) + b"x", "has over 1568 bytes of data, its header says 1568"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "has 79228162458924105385300197375 bytes, over"),
        # a product that is 0 in 64 bits
        (b"\0\0\x08\x03" + b"\x80\0\0\0" * 3, "has 9903520314283042199192993792 bytes, over"),
        (b"\0\0\x08\x41" + bytes(4 * 65), "has 65 dimensions, not 1 to 3"),
        (b"\0\0\x08\x00", "has 0 dimensions, not 1 to 3"),
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


def test_what_is_packed_is_not_unpacked_beyond_what_the_header_says(tmp_path):
    """64 MiB of zeros in 64 KiB of gzip, where the header says 1,568 bytes."""
    (tmp_path / "file.gz").write_bytes(gzip.compress(idx_bytes(IMAGES) + bytes(1 << 26)))
    tracemalloc.start()
    with pytest.raises(InputError, match="has over 1568 bytes"):
        read_idx(tmp_path / "file.gz")
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


def test_what_is_no_file_is_one_sentence(tmp_path):
    for path in (tmp_path, tmp_path / "nothing", "/dev/zero"):
        with pytest.raises(InputError, match=r"is not a file; fetch|no such file; fetch"):
            read_idx(path)
