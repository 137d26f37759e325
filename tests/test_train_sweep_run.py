"""No killed worker and no lost scheduler costs a finished point."""

import os
import signal

import pytest

from sim.errors import InputError
from sim.file import load
from sim.report.frontier_file import open_results
from train.sweep.cluster import connect
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


def test_a_point_of_the_window_code_is_measured(tmp_path):
    text = TINY.replace("dark_tick = 3\n", 'neuron = "window"\nmaps = [3]\nkernel = [2]\n')
    (point,) = read_spec(written(tmp_path, text))
    figures, content, _ = run_point(point, None)
    (tmp_path / "network.safetensors").write_bytes(content)
    network = load(tmp_path)
    assert figures.digest == f"{network.digest:08x}"
    assert figures.memory_bits == 8 * (2 * 2 * 3 + 3 * 3)
    assert figures.inputs == 4
    assert 0 < figures.reads <= 4 * 3 + 3 * 3


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


def test_lost_scheduler_is_one_sentence_and_keeps_what_is_done(tmp_path):
    points = read_spec(written(tmp_path, TINY + "[[grid]]\nhidden = [10]\nseed = [1, 2, 3]\n"))
    with (
        connect(1) as client,
        pytest.raises(InputError, match="scheduler went away; finished points are kept"),
    ):
        run_sweep(points, tmp_path, client, report=lambda _: client.cluster.close())
    with open_results(tmp_path) as results:
        assert [point.key for point in results.points()] == [point_key(points[0])]
