"""What files of others contain: the array, the value, or one sentence; never a pickle that runs."""

import io
import json
import os
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError
from sim.reading import MOST_BYTES, MOST_DEPTH, MOST_TEXT, parse_json, read_array

ARRAY = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def header(text):
    """A .npy file with that header, and no data."""
    raw = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw


@pytest.mark.parametrize("array", [ARRAY, ARRAY.T, ARRAY.astype(">f4"), np.zeros((0, 2)) > 0])
def test_arrays_are_read_as_they_were_written(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", images=array)
    np.savez_compressed(tmp_path / "b.npz", array)
    for name in ("a.npy", "a.npz", "b.npz"):
        found = read_array(str(tmp_path / name))
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert np.array_equal(found, array)


class Harmful:
    def __reduce__(self):
        return os.abort, ()


BAD = {
    "a PNG picture": b"\x89PNG\r\n\x1a\n....",
    "a pickle, which could run code": pickle.dumps(Harmful()),
    "has elements of '|O', not numbers": npy(np.array([Harmful()]), allow_pickle=True),
    "has elements of '<U1', not numbers": npy(np.array(["a"])),
    "shape (); give 1 to 8 dimensions": npy(np.array(3)),
    "shape (1, 1, 1, 1, 1, 1, 1, 1, 1)": npy(np.zeros((1,) * 9)),
    "has 47 bytes of data, its header says 48": npy(ARRAY)[:-1],
    "has 49 bytes of data, its header says 48": npy(ARRAY) + b"x",
    "its header says 1000000000000000000": header(
        "{'descr': '<u2', 'fortran_order': False, 'shape': (500000000000000000,)}"
    ),
    "header says 36893488147419103232": header(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 8589934592)}"
    ),
    "has elements of '|u1', not numbers": header(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -5)}"
    ),
    "has another header, not numbers": header("(" * 100),
    "is not a NumPy .npy": b"",
    "is not a NumPy .npy file; write one": b"\x93NUMPY\x09\x09" + bytes(100),
}


@pytest.mark.parametrize("problem", BAD)
def test_what_is_no_array_is_one_sentence(tmp_path, problem):
    path = tmp_path / "x.npy"
    path.write_bytes(BAD[problem])
    with pytest.raises(InputError) as caught:
        read_array(path)
    assert problem in str(caught.value)
    assert "allow_pickle" not in str(caught.value)


def test_what_is_no_file_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(InputError, match="is not a file; write one array"):
            read_array(path)
    for path in (tmp_path / "nothing", "nul\0"):
        with pytest.raises(InputError, match=r"no such file|no file can be called so"):
            read_array(path)
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(InputError, match=f"over {MOST_BYTES}; give a smaller one"):
        read_array(tmp_path / "large")


def test_an_archive_holds_one_array(tmp_path):
    path = tmp_path / "several.npz"
    np.savez(path, images=ARRAY, labels=ARRAY)
    with pytest.raises(InputError, match=r"holds 2 arrays \(images.npy, labels.npy\); write one"):
        read_array(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"nothing")
    with pytest.raises(InputError, match="is not a NumPy"):
        read_array(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="is not a NumPy"):
        read_array(path)


@given(st.data())
def test_damaged_arrays_are_read_or_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("arrays") / "x"
    packed = io.BytesIO()
    np.savez_compressed(packed, ARRAY)
    damage(path, data.draw(st.sampled_from([npy(ARRAY), packed.getvalue()])), data)
    with suppress(InputError):
        assert read_array(path).size <= MOST_BYTES


def damage(path, content, data):
    """Write content with a few bytes changed, left out or repeated."""
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        count, new = data.draw(st.integers(0, 8)), data.draw(st.binary(max_size=8))
        content = content[:place] + new + content[place + count :]
    path.write_bytes(content)


@pytest.mark.parametrize(
    "text", ['{"a": [1, -2.5, "ü", null, true, {}]}', "[]", "3", '"\\ud83d\\ude00"']
)
def test_values_within_bounds_are_read(text):

    assert parse_json(text, "key") == json.loads(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 100_000, "is not JSON"),
        ("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), "is nested over 32 deep"),
        ("9" * 5000, "is not JSON"),
        ("9" * 21, "is not JSON"),
        ("1e999", "is not JSON"),
        ("NaN", "is not JSON"),
        ("-Infinity", "is not JSON"),
        ('"\\ud800"', "has a text that is not Unicode"),
        ('{"\\udfff": 1}', "has a text that is not Unicode"),
        (" " * (MOST_TEXT + 1), "has over 1048576 characters"),
        ("", "is not JSON"),
        ("{", "is not JSON"),
    ],
)
def test_values_beyond_are_one_sentence(text, problem):
    with pytest.raises(InputError, match=f"^key: {problem}"):
        parse_json(text, "key")
