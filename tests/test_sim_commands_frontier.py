"""``sim frontier`` as a user meets it."""

import json
from dataclasses import replace

from sim.commands.parser import main
from sim.report.frontier_file import Figures, Point, open_results

FIGURES = Figures(0.97, 0.96, 5000.0, 120.5, 6.25, 8192, 3, 196, "0123abcd")
SETTINGS = {"dataset": "mnist", "seed": 1, "hidden": [20], "bits": [8], "pool": 2}


def point(number, figures=FIGURES, **settings):
    return Point(f"{number:016x}", SETTINGS | settings, 1.5, figures)


def points(pairs):
    """One setting per pair of reads and validation accuracy."""
    figures = [replace(FIGURES, reads=reads, validation=validation) for reads, validation in pairs]
    return [point(number, one, pool=number) for number, one in enumerate(figures)]


def test_command_prints_table_and_json_and_writes_the_figure(tmp_path, monkeypatch, capsys):
    with open_results(tmp_path, create=True) as results:
        for row in points([(4000.0, 0.9), (5000.0, 0.8)]):
            results.add(row)

    def called(*arguments):
        assert main(["frontier", str(tmp_path), *map(str, arguments)]) == 0
        return capsys.readouterr().out

    shown = json.loads(called("--json", "--plot", tmp_path / "front.svg"))
    assert [setting["front"] for setting in shown["settings"]] == [True, False]
    assert (tmp_path / "front.svg").read_text().endswith("</svg>\n")
    monkeypatch.setenv("COLUMNS", "150")
    assert "4,000" in called("--json", tmp_path / "front.json")
    assert json.loads((tmp_path / "front.json").read_text()) == shown
    assert json.loads(called("--json", "-")) == shown
    assert "5,000" in called()
    assert "5,000" not in called("--front")
