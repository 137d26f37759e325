"""A sweep: what its file means, and that no killed worker, Ctrl-C or lost scheduler costs a
finished point.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.file import load
from sim.report.frontier_file import open_results
from train.commands.parser import main
from train.commands.sweep import connect
from train.settings import PRESETS, Settings
from train.sweep.run import run_point, run_sweep
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


def test_grid_is_the_product_of_its_lists(tmp_path):
    text = "[settings]\nepochs = 2\nwarp = 1\n[[grid]]\nhidden = [[4], [5, 6]]\nseed = [1, 2]\n"
    expected = [
        Settings(epochs=2, warp=1.0, hidden=hidden, seed=seed)
        for hidden in ((4,), (5, 6))
        for seed in (1, 2)
    ]
    assert read_spec(written(tmp_path, text)) == expected


def test_grid_without_lists_is_a_point(tmp_path):
    text = '[[grid]]\npreset = "frugal"\nhidden = [9]\n[[grid]]\n[[grid]]\nhidden = [600]\n'
    points = read_spec(written(tmp_path, text))
    assert points == [
        replace(PRESETS["frugal"], hidden=(9,)),
        Settings(),
    ]  # the last two are the same point


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[grid]", "is not TOML"),
        ("[axes]\nseed = [1]", "key 'axes' is unknown"),
        ("grid = 3", "settings must be a table"),
        ("[[grid]]\nhiden = [3]", "grid 1: hiden: is no setting"),
        ("[[grid]]\nseed = 1.5", "grid 1: seed: must be int, not 1.5"),
        ("[[grid]]\nseed = true", "grid 1: seed: must be int, not True"),
        ("[[grid]]\nhidden = 3", "grid 1: hidden: must be list of int, not 3"),
        ("[[grid]]\n[[grid]]\npool = [1, 3]", "grid 2: --pool: must be 1 or 2, not 3"),
        ("[[grid]]\nbits = []", "grid 1: bits: a network of real weights"),
        ('[[grid]]\npreset = "best"', "grid 1: preset: must be one of prototype"),
    ],
)
def test_bad_spec_is_one_sentence(tmp_path, text, sentence):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_spec(path)
    assert str(error.value).startswith(f"{path}: ")
    assert sentence in str(error.value)


def test_key_names_the_settings():
    keys = {
        point_key(settings)
        for settings in (Settings(), Settings(seed=2), Settings(warp=0.71), Settings(seed=1))
    }
    assert len(keys) == 3


def test_results_stay_valid_when_a_setting_is_added():
    """The recipe's key must not change with a new setting: name it in ADDED."""
    assert point_key(Settings()) == "a2798a61e666f7aa" != point_key(Settings(wake_share=0.1))


def test_killed_worker_loses_nothing(tmp_path):
    points = read_spec(written(tmp_path, TINY + "[[grid]]\nhidden = [10]\nseed = [1, 2, 3]\n"))
    killed = []

    def kill_the_worker(_):
        if not killed:
            killed.extend(client.run(os.getpid).values())
            os.kill(killed[0], signal.SIGKILL)

    with connect(1) as client:
        rows = run_sweep(points, tmp_path, client, report=kill_the_worker)
        assert killed[0] not in client.run(os.getpid).values()
    assert [(row.key, row.error) for row in rows] == [(point_key(point), None) for point in points]
    assert run_point(points[-1], None)[0] == rows[-1].figures
    for row in rows:
        assert (
            f"{load(tmp_path / 'networks' / f'{row.key}.safetensors').digest:08x}"
            == row.figures.digest
        )
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_interrupted_sweep_goes_on(tmp_path):
    path = written(tmp_path, TINY + "[[grid]]\nhidden = [30]\nseed = [1, 2, 3]\n")
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
    assert error == "interrupted; finished files are kept, no file is half written\n"
    done = [first, *map(json.loads, rest.splitlines())]
    with open_results(tmp_path) as results:
        assert [point.key for point in results.points()] == [row["key"] for row in done]
    assert len(done) < 3
    again = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    more = [json.loads(line) for line in again.stdout.splitlines()]
    keys = {point_key(settings) for settings in read_spec(path)}
    assert sorted(row["key"] for row in done + more) == sorted(keys)


def test_failed_point_is_a_row_and_is_tried_again_only_on_request(tmp_path, monkeypatch, capsys):
    path = written(tmp_path, TINY + '[[grid]]\nhidden = [4]\n[[grid]]\ndataset = "fashion-mnist"\n')
    with connect(1) as client:
        monkeypatch.setattr("train.commands.sweep.connect", lambda *_: nullcontext(client))
        for extra, lines in (([], 2), ([], 0), (["--retry"], 1)):
            monkeypatch.setattr(
                sys, "argv", ["train", "sweep", str(path), "--out", str(tmp_path), *extra]
            )
            assert main() == 1
            found = capsys.readouterr()
            assert len(found.out.splitlines()) == lines
            assert "2 points, 1 failed" in found.err
    with open_results(tmp_path) as results:
        good, bad = results.points()
    assert (good.error, bad.figures) == (None, None)
    assert bad.error.startswith("data set 'fashion-mnist' is not downloaded")


def test_lost_scheduler_is_one_sentence_and_keeps_what_is_done(tmp_path):
    points = read_spec(written(tmp_path, TINY + "[[grid]]\nhidden = [10]\nseed = [1, 2, 3]\n"))
    with (
        connect(1) as client,
        pytest.raises(InputError, match="scheduler went away; finished points are kept"),
    ):
        run_sweep(points, tmp_path, client, report=lambda _: client.cluster.close())
    with open_results(tmp_path) as results:
        assert [point.key for point in results.points()] == [point_key(points[0])]


def test_one_folder_is_not_taken_for_two_data_sets(tmp_path, monkeypatch):
    path = written(tmp_path, '[[grid]]\ndataset = ["mnist", "fashion-mnist"]\n')
    monkeypatch.setattr(
        sys, "argv", ["train", "sweep", str(path), "--out", str(tmp_path), "--data", str(tmp_path)]
    )
    with pytest.raises(InputError, match="names fashion-mnist and mnist; split it"):
        main()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workers", "0"], "--workers: must be at least 1"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--scheduler tcp://127.0.0.1:1: does not answer"),
        (["--scheduler", "nonsense://"], "--scheduler nonsense://: does not answer"),
    ],
)
def test_bad_cluster_is_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.setattr("train.commands.sweep.CONNECT_SECONDS", 1)
    path = written(tmp_path, TINY)
    monkeypatch.setattr(
        sys, "argv", ["train", "sweep", str(path), "--out", str(tmp_path / "out"), *arguments]
    )
    with pytest.raises(InputError) as error:
        main()
    assert str(error.value).startswith(sentence)
