"""The learning curve: means are per update, over the whole run."""

import io

import pytest
from rich.console import Console

from lesson_networks import HIDDEN, OUTPUT, machine
from sim.learning.supervised import Rule
from train.learning.curve import figures, plot, table
from train.learning.in_place import LearnSettings, Point, State

CURVE = [
    Point(0, 0.1, 0.125),
    Point(1, 0.5, None, 0.25, updated=30, skipped=70, rows=6.0, changed=100.0),
    Point(2, 0.75, 0.875, 0.5, 10, 90, rows=2.0, changed=20.0, images_per_second=12345.6),
]
SETTINGS = LearnSettings("0123abcd", "patterns", Rule(12, 100), epochs=2)


def test_figures_are_weighted_by_what_was_updated():
    state = State(machine(HIDDEN, OUTPUT), 1, CURVE)
    found = figures(SETTINGS, state)
    assert (found["validation"], found["test"]) == (0.75, 0.875)
    assert (found["updated"], found["skipped"]) == (40, 160)
    assert found["rows_per_update"] == (6 * 30 + 2 * 10) / 40
    assert found["weights_per_update"] == (100 * 30 + 20 * 10) / 40
    assert found["digest"] == f"{state.network.digest:08x}"
    assert found["settings"] == SETTINGS.to_json()
    assert [point["epoch"] for point in found["curve"]] == [0, 1, 2]


def test_a_run_that_updated_nothing_has_figures():
    found = figures(SETTINGS, State(machine(HIDDEN, OUTPUT), 1, CURVE[:1]))
    assert (found["updated"], found["rows_per_update"], found["weights_per_update"]) == (0, 0, 0)


def test_the_table_has_a_row_per_epoch():
    shown = Console(file=io.StringIO(), width=100)
    shown.print(table(CURVE))
    lines = shown.file.getvalue().splitlines()
    assert "12,346 images/s" in lines[0]
    assert lines[-2].replace("│", "").split() == [
        *("2", "50.00%", "75.00%", "87.50%", "10.00%", "2.0", "20")
    ]
    assert lines[-4].replace("│", "").split() == ["0", "10.00%", "12.50%", "0.00%", "0.0", "0"]


@pytest.mark.parametrize("length", [1, 3])
def test_the_plot_has_every_point(length):
    above, below = plot(CURVE[:length]).axes[:2]
    validation, running = above.lines
    assert validation.get_xydata().tolist() == [[0, 10.0], [1, 50.0], [2, 75.0]][:length]
    assert (
        above.get_title()
        == f"Learning in place: {('12.50', '87.50')[length // 2]}% of the test images"
    )
    assert running.get_xydata().tolist() == [[1, 25.0], [2, 50.0]][: length - 1]
    (updated,) = below.lines
    assert updated.get_xydata().tolist() == [[1, 30.0], [2, 10.0]][: length - 1]
