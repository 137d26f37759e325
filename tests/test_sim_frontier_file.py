"""Results of a sweep: rows that stay."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from sim.errors import InputError
from sim.report import frontier_file
from sim.report.frontier_file import _COLUMNS, Figures, Point, open_results

FIGURES = Figures(0.97, 0.96, 5000.0, 120.5, 6.25, 8192, 3, 196, "0123abcd")


SETTINGS = {"dataset": "mnist", "seed": 1, "hidden": [20], "bits": [8], "pool": 2}


def point(number, figures=FIGURES, **settings):
    return Point(f"{number:016x}", SETTINGS | settings, 1.5, figures)


def test_rows_come_back_equal_and_while_the_sweep_still_writes(tmp_path):
    rows = [point(1), Point("f" * 16, SETTINGS, 0.0, None, "it failed."), point(2, seed=2)]
    with open_results(tmp_path, create=True) as writing:
        for row in rows:
            writing.add(row)
            with open_results(tmp_path) as reading:
                assert reading.points()[-1] == row
        again = replace(rows[1], figures=FIGURES, error=None)
        writing.add(again)
        assert writing.points() == [rows[0], rows[2], again]


def test_what_is_no_file_of_results_is_one_sentence(tmp_path):
    with (
        pytest.raises(InputError, match="no such file; `python -m train sweep"),
        open_results(tmp_path),
    ):
        pass
    foreign = tmp_path / "results.sqlite"
    foreign.write_text("not a database, and long enough to be looked at" * 40)
    with pytest.raises(InputError, match="is not a sweep's file of results"), open_results(foreign):
        pass
    assert foreign.read_text().startswith("not a database")


def test_settings_of_earlier_versions_are_read_by_their_names_today(tmp_path):
    with open_results(tmp_path, create=True) as results:
        results.add(point(1, faint=140))
        results.add(point(2, max_silent_intensity=140, seed=2))
        first, second = results.points()
    assert first.settings | {"seed": 2} == second.settings


WRONG = {
    "key": [None, 7, b"x", "k" * 2**17],
    "settings": [None, "", "[]", "{", "[" * 100_000, '{"dataset": "mnist"}', "9" * 5000],
    "seconds": [None, "long", -1, float("inf")],
    "error": [3, b"x", "and figures"],
    "accuracy": [None, "good", 1.5, -0.1, float("inf"), b"x"],
    "memory_bits": [None, 1.5, "many", -1],
    "digest": [None, 5],
}


@pytest.mark.parametrize(("column", "value"), [(k, v) for k in WRONG for v in WRONG[k]])
def test_a_row_that_no_sweep_wrote_is_one_sentence(tmp_path, column, value):
    with open_results(tmp_path, create=True) as results:
        results.add(point(1))
        results.add(point(2))
        results._connection.execute(
            f"UPDATE points SET {column} = ? WHERE key LIKE '%2'", (value,)
        ).connection.commit()
        with pytest.raises(InputError, match=rf"results.sqlite: row 2.*(delete|{column})") as error:
            results.points()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    "settings",
    [
        {"seed": "one"},
        {"seed": 2**64},
        {"dataset": ["mnist"]},
        {"hidden": 20},
        {"hidden": ["20"]},
        {"bits": [[8]]},
        {"maps": {"16": 3}},
        {"warp": None},
    ],
)
def test_settings_of_a_row_are_settings(tmp_path, settings):
    with open_results(tmp_path, create=True) as results:
        results.add(point(1, **settings))
        with pytest.raises(InputError, match="row 1: settings are not those of a point"):
            results.points()


def test_a_view_that_computes_for_ever_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / "results.sqlite")) as connection:
        names = ", ".join(f"1 AS {name}" for name in _COLUMNS)
        connection.execute(
            "CREATE VIEW points AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) "
            f"SELECT {names} FROM t"
        )
    with pytest.raises(InputError, match="it has no table of points"), open_results(tmp_path):
        pass


def test_rows_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(frontier_file, "MOST_ROWS", 2)
    with open_results(tmp_path, create=True) as results:
        for number in range(2):
            results.add(point(number))
        assert len(results.points()) == 2
        results.add(point(2))
        with pytest.raises(InputError, match="has more than 2 rows"):
            results.points()
