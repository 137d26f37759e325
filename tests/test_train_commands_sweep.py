"""``train sweep`` as a user meets it."""

import json
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.report.frontier_file import Point, open_results
from train.commands.parser import main
from train.sweep.cluster import connect
from train.sweep.spec import point_key, read_spec

TINY = """
[settings]
dataset = "yin-yang"
epochs = 2
warp = 0
bright = [192, 128, 64]
bright_ticks = [0, 1, 2]
dark_tick = 3
"""
"""Points that take a second each; their data is generated."""


def written(tmp_path, text):
    path = tmp_path / "spec.toml"
    path.write_text(text)
    return path


def sweep(*arguments):
    return main(["sweep", *map(str, arguments)])


def test_interrupted_sweep_goes_on(tmp_path):
    """When the first point is done, the second one has so many epochs that it never will be."""
    point = TINY + "[[grid]]\nhidden = [30]\n"
    path = written(tmp_path, point + "[[grid]]\nhidden = [31]\nepochs = 1_000_000\n")
    command = [sys.executable, "-m", "train", "sweep", str(path), "--out", str(tmp_path), "--json"]
    root = Path(__file__).parent.parent
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    def listen():  # a shell's background job, as CI may be one, ignores the interrupt
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(command, cwd=root, preexec_fn=listen, **pipes) as process:
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, error = process.communicate()
    assert process.returncode == 130
    assert (rest, error) == (
        "",
        "interrupted; finished files are kept, no file is half written\n",
    )
    with open_results(tmp_path) as results:
        assert [row.key for row in results.points()] == [first["key"]]

    path = written(tmp_path, point + "[[grid]]\nhidden = [31]\n")
    again = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    more = [json.loads(line) for line in again.stdout.splitlines()]
    keys = [point_key(settings) for settings in read_spec(path)]
    assert [row["key"] for row in (first, *more)] == keys


def test_rows_of_earlier_versions_are_not_trained_again(tmp_path, capsys):
    """Their keys are the same, and their settings are read by the names of today."""
    path = written(tmp_path, TINY + "[[grid]]\nhidden = [9]\nfaint = 20\n")
    (settings,) = read_spec(path)
    old = settings.to_json()
    old["faint"] = old.pop("max_silent_intensity")
    with open_results(tmp_path, create=True) as results:
        results.add(Point(point_key(settings), old, 1.0, None, "it failed."))
    assert sweep(path, "--out", tmp_path) == 1
    assert "1 points, 1 failed" in capsys.readouterr().err
    with open_results(tmp_path) as results:
        assert [row.settings for row in results.points()] == [settings.to_json()]


def test_results_go_to_a_file(tmp_path, capsys):
    path = written(tmp_path, TINY + "[[grid]]\nhidden = [4]\nepochs = 1\n")
    assert sweep(path, "--out", tmp_path, "--json", tmp_path / "rows.json") == 0
    (row,) = map(json.loads, (tmp_path / "rows.json").read_text().splitlines())
    assert f"{row['key']} seed 1: validation" in capsys.readouterr().out


def test_failed_point_is_a_row_and_is_tried_again_only_on_request(tmp_path, monkeypatch, capsys):
    path = written(tmp_path, TINY + '[[grid]]\nhidden = [4]\n[[grid]]\ndataset = "fashion-mnist"\n')
    with connect(1) as client:
        monkeypatch.setattr("train.commands.sweep.connect", lambda *_: nullcontext(client))
        for extra, lines in (([], 2), ([], 0), (["--retry"], 1)):
            assert sweep(path, "--out", tmp_path, *extra) == 1
            found = capsys.readouterr()
            assert len(found.out.splitlines()) == lines
            assert "2 points, 1 failed" in found.err
    with open_results(tmp_path) as results:
        good, bad = results.points()
    assert (good.error, bad.figures) == (None, None)
    assert bad.error.startswith("data set 'fashion-mnist' is not downloaded")


def test_one_folder_is_not_taken_for_two_data_sets(tmp_path):
    path = written(tmp_path, '[[grid]]\ndataset = ["mnist", "fashion-mnist"]\n')
    with pytest.raises(InputError, match="names fashion-mnist and mnist; split it"):
        sweep(path, "--out", tmp_path, "--data", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workers", "0"], "--workers: must be at least 1, not 0"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--scheduler tcp://127.0.0.1:1: does not answer"),
        (["--scheduler", "nonsense://"], "--scheduler nonsense://: does not answer"),
    ],
)
def test_bad_cluster_is_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.setattr("train.sweep.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(InputError) as error:
        sweep(written(tmp_path, TINY), "--out", tmp_path / "out", *arguments)
    assert str(error.value).startswith(sentence)
