"""Event files give events back, or say in one sentence what is wrong."""

import numpy as np
import pytest

from sim.data.event_file import read_events, write_events
from sim.encoders.events import EventList
from sim.errors import InputError

ARRAYS = {
    "tick": np.array([0, 2, 2, 1], np.int32),
    "input": np.array([3, 1, 0, 2], np.int32),
    "start": np.array([0, 3, 4], np.int64),
    "label": np.array([1, 0], np.int64),
}


def test_a_file_gives_its_events_back_sorted(tmp_path):
    path = tmp_path / "events.npz"
    np.savez(path, **ARRAYS)
    found = read_events(path)
    assert found.input.tolist() == [3, 0, 1, 2]

    write_events(tmp_path / "again.npz", found)
    again = read_events(str(tmp_path / "again.npz"))
    for key in ARRAYS:
        assert np.array_equal(getattr(again, key), getattr(found, key))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["again.npz", "events.npz"]


def test_labels_can_be_absent(tmp_path):
    unlabelled = EventList(*(np.zeros(0, np.int32),) * 2, np.zeros(1, np.int64))
    write_events(tmp_path / "events.npz", unlabelled)
    assert read_events(tmp_path / "events.npz").label is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tick": None}, "array tick is missing"),
        ({"more": np.zeros(1)}, "more is none of tick, input, start, label"),
        ({"tick": np.array([2, 0, 2, 1], np.int32)}, "tick: falls at event 1"),
        ({"input": np.array([3, 1, 1, 2], np.int32)}, "input: spikes twice at one tick"),
        ({"input": np.array([3, 1], np.int32)}, "input: needs 4 values"),
        ({"tick": np.zeros(4)}, "tick: must be int32, not float64"),
        ({"tick": np.zeros((2, 2), np.int32)}, "tick: "),
        ({"start": np.array([0, 9], np.int64)}, "start: must go from 0 to 4"),
        ({"label": np.array(["a", "b"])}, "elements of .* not numbers"),
    ],
)
def test_bad_arrays_are_one_sentence(tmp_path, changes, sentence):
    path = tmp_path / "events.npz"
    arrays = {key: array for key, array in (ARRAYS | changes).items() if array is not None}
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=sentence) as raised:
        read_events(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_what_is_no_archive_is_one_sentence(tmp_path):
    path = tmp_path / "events.npz"
    with pytest.raises(InputError, match="no such file"):
        read_events(path)

    np.savez(path, **ARRAYS)
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[:100], whole[: len(whole) // 2], b"\x80\x04K\x01."):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"is not a NumPy .npz file"):
            read_events(path)
    with path.open("wb") as file:
        np.save(file, ARRAYS["tick"])
    with pytest.raises(InputError, match=r"is not a NumPy .npz file"):
        read_events(path)
