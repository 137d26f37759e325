"""The boards' commands as a user meets them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hw.boards.table import BOARDS
from hw.commands.parser import main
from hw.parameters import MachineParameters
from hw.rows import SPRAM, Rows
from hw.storage.flash import row_cycles
from random_networks import random_images, random_network
from sim import batch
from sim.connections.dense import Dense
from sim.errors import InputError
from sim.file import NETWORK_FILE, save
from sim.network import Layer
from sim.neuron import Neuron
from simulated_board import virtual_board

SEED = 7  # the virtual board of tests/test_hw_host.py, compiled once for both


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("network")
    save(random_network(SEED), path / NETWORK_FILE)
    np.save(path / "images.npy", random_images(random_network(SEED), 30, SEED))
    return path


@pytest.fixture(scope="module")
def port():
    """A virtual board at a pseudo-terminal."""
    machine = MachineParameters(random_network(SEED), 1).with_placement(0, SPRAM)
    with virtual_board(machine) as found:
        yield found


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["hw", *map(str, arguments)])
    return main()


def test_a_row_of_weights_in_flash_takes_as_long_as_the_readme_says():
    rows = Rows(Layer(Dense(np.zeros((784, 600), np.int8)), Neuron(1), weight_bits=8), 40)
    cycles = {row_cycles(rows, board.flash.wires) for board in BOARDS.values() if board.flash}
    page = (Path(__file__).parent.parent / "README.md").read_text()
    assert " or ".join(f"{count:,}" for count in sorted(cycles)) + " cycles" in page


def test_boards_lists_every_board(monkeypatch, capsys):
    assert call(monkeypatch, "boards", "--json") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(BOARDS)
    assert call(monkeypatch, "boards") == 0


@pytest.mark.parametrize("command", ["boards", "check", "build", "program", "emulate", "classify"])
def test_help_has_an_example(monkeypatch, capsys, command):
    with pytest.raises(SystemExit, match="0"):
        call(monkeypatch, command, "--help")
    assert f"example: python -m hw {command}" in " ".join(capsys.readouterr().out.split())


def test_classify_prints_sims_decisions(monkeypatch, capsys, folder, port):
    images = folder / "images.npy"
    assert (
        call(
            monkeypatch,
            "classify",
            folder,
            "--port",
            port,
            "--images",
            images,
            "--check",
            "--limit",
            "20",
        )
        == 0
    )
    printed = capsys.readouterr()
    found = [json.loads(line) for line in printed.out.splitlines()]
    expected = batch.run(random_network(SEED), np.load(images)[:20])
    assert [answer["decision"] for answer in found] == expected.decision.tolist()
    assert "20 answers, 0 differences" in printed.err
    assert (
        call(monkeypatch, "classify", folder, "--port", port, "--images", images, "--limit", "1")
        == 0
    )  # loaded


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit", "0"], "--limit: must be at least 1"),
        (["--port", "/dev/no-such-port"], "there is no such port"),
    ],
)
def test_classify_refuses_bad_input(monkeypatch, folder, port, arguments, complaint):
    given = ["--port", port, "--images", folder / "images.npy", *arguments]
    with pytest.raises(InputError, match=complaint):
        call(monkeypatch, "classify", folder, *given)


def test_classify_refuses_the_board_of_another_network(monkeypatch, tmp_path, folder, port):
    save(random_network(SEED + 1), tmp_path / NETWORK_FILE)
    with pytest.raises(InputError, match=f"runs network {random_network(SEED).digest:08x}"):
        call(monkeypatch, "classify", tmp_path, "--port", port, "--images", folder / "images.npy")


@pytest.mark.parametrize("command", ["build", "check", "program"])
def test_unknown_board_is_refused(monkeypatch, folder, command):
    with pytest.raises(InputError, match="'nowhere' is unknown; choose one of"):
        call(monkeypatch, command, folder, "--board", "nowhere")


def test_clock_that_is_no_number_is_refused(monkeypatch, folder):
    with pytest.raises(InputError, match="--clock-mhz: must be a number or 'auto'"):
        call(monkeypatch, "build", folder, "--board", "icebreaker", "--clock-mhz", "fast")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_emulate_offers_a_port_until_interrupted(folder, tmp_path, stop):
    link = tmp_path / "board"
    command = [
        sys.executable,
        "-m",
        "hw",
        "emulate",
        str(folder),
        "--lanes",
        "1",
        "--weights",
        "spram",
        "--port",
        str(link),
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    ignoring = [
        "sh",
        "-c",
        'trap "" INT; exec "$@"',
        "sh",
        *command,
    ]  # as a shell's background job does
    with subprocess.Popen(ignoring, **pipes) as process:
        try:
            assert process.stdout.readline().strip() == str(link)
            assert os.path.realpath(link).startswith("/dev/")
            assert process.stderr.readline() == "a board is there until Ctrl-C\n"
            process.send_signal(stop)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not link.is_symlink()
