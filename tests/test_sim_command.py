"""What a user meets: exit statuses, one sentence for bad input, whole files or none."""

import errno
import json
import subprocess
import sys

import numpy as np
import pytest

from random_networks import random_images, random_network
from sim import __main__ as command_line
from sim.console import run_command
from sim.data.dataset import FILES, idx_bytes
from sim.errors import InputError
from sim.file import save
from sim.files import atomic_path
from sim.pipeline import run
from sim.vectors import load_vectors


@pytest.fixture
def folder(tmp_path):
    """A folder with a network and images for it."""
    network = random_network(11)
    save(network, tmp_path / "network.safetensors")
    np.save(tmp_path / "images.npy", random_images(network, 3, 11))
    return tmp_path


def sim(*arguments):
    command = [sys.executable, "-m", "sim", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def called(monkeypatch, *arguments):
    """Run the command line in this process and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["sim", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run_command(command_line.main)
    return stop.value.code


def test_run_prints_a_trace_per_image_and_keeps_all_spikes(folder):
    np.save(folder / "labels.npy", np.zeros(3, np.int64))
    done = sim(
        "run",
        folder,
        "--images",
        folder / "images.npy",
        "--labels",
        folder / "labels.npy",
        "--trace",
        folder / "t.safetensors",
    )
    assert (done.returncode, done.stderr) == (0, "")
    network = random_network(11)
    traces = [run(network, image) for image in np.load(folder / "images.npy")]
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        trace.to_json() | {"label": 0} for trace in traces
    ]
    kept = load_vectors(folder / "t.safetensors", network)[1]
    assert [trace.spikes for trace in kept] == [trace.spikes for trace in traces]


def test_report_writes_json_and_page(tmp_path, monkeypatch, capsys):
    network = next(
        n
        for n in map(random_network, range(10**4))
        if n.encoder.image_shape == (4, 4) and len(n.classes) > 3
    )
    save(network, tmp_path / "network.safetensors")
    images, labels = random_images(network, 20, 1), np.arange(20, dtype=np.uint8) % 3
    for name, array in zip(FILES, (images, labels, images, labels), strict=True):
        (tmp_path / name).write_bytes(idx_bytes(array))
    outputs = ("--json", tmp_path / "report.json", "--html", tmp_path / "report.html")
    assert (
        called(monkeypatch, "report", tmp_path, "--data", tmp_path, "--limit", "15", *outputs) == 0
    )
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["images"] == 15
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert "accuracy" in capsys.readouterr().out


def test_describe_prints_json(folder, monkeypatch, capsys):
    assert called(monkeypatch, "describe", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["digest"] == f"{random_network(11).digest:08x}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("describe", "nowhere"), "no such file"),
        (("run", ".", "--images", "nowhere.npy"), "nowhere.npy: No such file or directory"),
        (("run", ".", "--images", "network.safetensors"), "is not a NumPy .npy file"),
        (("run", ".", "--images", "wrong.npy"), "images: must be uint8"),
        (
            ("run", ".", "--images", "images.npy", "--labels", "images.npy"),
            "labels: must be 3 integers",
        ),
        (("report", ".", "--dataset", "cifar"), "data set 'cifar' is unknown"),
        (("report", ".", "--limit", "0"), "--limit: must be at least 1"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(folder, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(folder)
    np.save(folder / "wrong.npy", np.zeros((1, 5, 7)))
    assert called(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_closed_pipe_is_not_an_error(folder):
    np.save(folder / "many.npy", random_images(random_network(11), 20000, 1))
    command = f"{sys.executable} -m sim run {folder} --images {folder / 'many.npy'} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(("package", "missing"), [("hw", "amaranth"), ("train", "torch")])
def test_missing_tools_are_one_sentence(package, missing):
    code = f"import runpy, sys; sys.modules['{missing}'] = None; runpy.run_module('{package}', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {missing}")
    assert done.stderr.count("\n") == 1


def test_interrupt_is_130(capsys):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stop:
        run_command(interrupted)
    assert stop.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_failed_write_leaves_the_earlier_file(tmp_path, failure):
    path = tmp_path / "file"
    path.write_text("earlier")

    def write():
        with atomic_path(path) as beside:
            beside.write_text("half")
            raise failure

    with pytest.raises((InputError, KeyboardInterrupt)):
        write()
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_while_saving_a_network(tmp_path):
    """/dev/full answers every write with "no space left"."""
    path = tmp_path / "network.safetensors"
    save(random_network(1), path)
    before = path.read_bytes()

    def write():
        with atomic_path(path) as beside:
            beside.unlink()
            beside.symlink_to("/dev/full")
            beside.write_bytes(b"x" * 10**6)

    with pytest.raises(InputError, match="the earlier file is untouched"):
        write()
    assert path.read_bytes() == before
