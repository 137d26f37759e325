"""The files that learning in place writes, on a host or on a board."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.commands.options import write_text
from sim.file import NETWORK_FILE, save
from sim.files import AnyPath
from sim.network import Network
from sim.pipeline import run
from sim.vectors import VECTORS_FILE, save_vectors

VECTORS = 16
"""Test images whose traces are written with the network."""

FIGURES_FILE = "learning.json"


def write_learnt(
    folder: AnyPath, network: Network, test_images: npt.NDArray[np.uint8], figures: dict[str, Any]
) -> None:
    """Write a network that was learnt, its vectors and the figures of the run.

    :raises InputError: the folder cannot be written.
    """
    folder = Path(folder)
    save(network, folder / NETWORK_FILE)
    images = test_images[:VECTORS]
    traces = [run(network, image) for image in images]
    save_vectors(folder / VECTORS_FILE, network, images, traces)
    write_text(folder / FIGURES_FILE, json.dumps(figures, indent=2) + "\n")
