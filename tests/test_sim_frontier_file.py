"""Results of a sweep: rows that stay."""

from dataclasses import replace

import pytest

from sim.errors import InputError
from sim.report.frontier_file import Figures, Point, open_results

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
