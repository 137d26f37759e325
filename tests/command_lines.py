"""Command lines in this process, and a folder for them to work on."""

import numpy as np
import pytest

from random_networks import random_images, random_network
from sim.console import run_command
from sim.file import NETWORK_FILE, save
from sim.pipeline import run
from sim.vectors import VECTORS_FILE, save_vectors


def write_network(folder, seed, images):
    """Write a network, ``images`` images for it, and their vectors, as ``train export`` does;
    return network and images.
    """
    network = random_network(seed)
    given = random_images(network, images, seed)
    save(network, folder / NETWORK_FILE)
    np.save(folder / "images.npy", given)
    traces = [run(network, image) for image in given]
    save_vectors(folder / VECTORS_FILE, network, given, traces)
    return network, given


def status_of(main, *words):
    """Run a command line to its end; return the exit status."""
    with pytest.raises(SystemExit) as stop:
        run_command(lambda: main([str(word) for word in words]))
    return stop.value.code


def sentence_of(capsys, main, *words):
    """Run a command line that cannot work; return the one sentence that it prints."""
    capsys.readouterr()
    assert status_of(main, *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1, printed.err
    return printed.err.removeprefix("error: ").rstrip()
