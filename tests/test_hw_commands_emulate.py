"""``hw emulate`` as a user meets it."""

import os
import signal
import subprocess
import sys

import pytest

from command_lines import sentence_of, write_network
from hw.commands.parser import main

SEED = 7  # the virtual board of tests/test_hw_link_client.py, compiled once for both


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_emulate_offers_a_port_until_interrupted(tmp_path, stop):
    write_network(tmp_path, SEED, images=1)
    link = tmp_path / "board"
    options = ("--lanes", "1", "--weights", "spram", "--port", str(link))
    command = [sys.executable, "-m", "hw", "emulate", str(tmp_path), *options]
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]  # as a background job does
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(ignoring, **pipes) as process:
        try:
            assert process.stdout.readline().strip() == str(link)
            assert os.path.realpath(link).startswith("/dev/")
            assert process.stderr.readline() == "a board is there until Ctrl-C\n"
            process.send_signal(stop)
            _, errors = process.communicate()
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--port", "."), "--port: . exists; give another name, or remove it."),
        (("--board", "hx8k-breakout", "--weights", "spram"), "--weights: hx8k has no SPRAM"),
        (("--learn", "--weights", "flash"), "--weights: what learns has its weights in block RAM"),
    ],
)
def test_bad_options_are_one_sentence(tmp_path, monkeypatch, capsys, options, sentence):
    monkeypatch.chdir(tmp_path)
    write_network(tmp_path, LEARNABLE, images=1)
    assert sentence_of(capsys, main, "emulate", ".", *options).startswith(sentence)


LEARNABLE = 0
"""Seed of a network of two layers."""
