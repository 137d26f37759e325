"""What is wrong with an input is one sentence: the key, the problem, the remedy."""

import numpy as np
import pytest

from sim.errors import (
    InputError,
    check_keys,
    check_labels,
    checked_array,
    is_integer,
    require,
)


def test_a_condition_that_does_not_hold_names_its_key():
    require(True, "pool", "must be 1 or 2")
    with pytest.raises(InputError) as error:
        require(False, "pool", "must be 1 or 2")
    assert str(error.value) == "pool: must be 1 or 2."


def test_a_checked_array_is_a_copy_that_nobody_can_change():
    given = np.arange(6, dtype=np.int8).reshape(2, 3).T
    found = checked_array(given, np.int8, 2, "weight")
    given[0, 0] = 9
    assert found.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([1, 2], "must be a NumPy array of int8, not list."),
        (np.zeros(2), "must be int8, not float64; export the network again."),
        (np.zeros(2, np.int16), "must be int8, not int16; export the network again."),
        (np.zeros((2, 2), np.int8), "must have 1 dimension(s), not 2."),
    ],
)
def test_another_array_is_refused_and_never_cast(value, sentence):
    with pytest.raises(InputError) as error:
        checked_array(value, np.int8, 1, "weight")
    assert str(error.value) == f"weight: {sentence}"


def test_an_object_has_the_keys_that_it_should_and_no_others():
    value = {"pool": 1, "kind": "intensity"}
    assert check_keys(value, "encoder", ("kind", "pool")) is value


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "encoder: must be a JSON object; export it again."),
        ({"kind": 1}, "encoder.pool: is missing; export it again."),
        (
            {"kind": 1, "pool": 1, "colour": 1},
            "encoder.colour: is not a key of this format; export it again.",
        ),
    ],
)
def test_missing_and_unknown_keys_are_named(value, sentence):
    with pytest.raises(InputError) as error:
        check_keys(value, "encoder", ("kind", "pool"))
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "labels", [np.array([0, 2, 1], np.uint8), np.array([2, 2, 2], np.int64), np.zeros(0, np.int8)]
)
def test_labels_of_every_integer_type_are_taken(labels):
    check_labels(labels, len(labels), 3)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.array([0.0, 1.0]), "labels: must be 2 integers, one per image, not float64 (2,)."),
        (np.array([[0, 1]]), "labels: must be 2 integers, one per image, not int64 (1, 2)."),
        (np.array([0, 3]), "labels: must be in 0..2, found 0..3."),
        (np.array([-1, 0]), "labels: must be in 0..2, found -1..0."),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, sentence):
    with pytest.raises(InputError) as error:
        check_labels(labels, 2, 3)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, True), (8, True), (0, False), (9, False), (True, False), (1.0, False), ("1", False)],
)
def test_a_truth_is_no_integer(value, expected):
    assert is_integer(value, 1, 8) is expected
