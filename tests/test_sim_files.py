"""Whole files or none."""

import errno

import pytest

from random_networks import random_network
from sim.errors import InputError
from sim.file import save
from sim.files import atomic_path


def test_what_is_written_waits_in_the_same_folder(tmp_path):
    """So that replacing is one step, and never a copy from another file system."""
    path = tmp_path / "new" / "file"
    with atomic_path(path) as beside:
        assert beside.parent == path.parent
        assert beside.name.startswith(".file.")
        beside.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


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
