"""What learning leaves is what every other command reads."""

import json

import numpy as np
import pytest

from random_networks import random_images, random_network
from sim.commands.learnt import VECTORS, write_learnt
from sim.errors import InputError
from sim.file import load
from sim.pipeline import run
from sim.vectors import load_vectors

NETWORK = random_network(11)


@pytest.mark.parametrize("count", [VECTORS + 4, 3])
def test_network_vectors_and_figures_are_read_again(tmp_path, count):
    images = random_images(NETWORK, count, 1)
    figures = {"test": 0.5, "curve": [{"epoch": 0}]}
    write_learnt(tmp_path / "new", NETWORK, images, figures)

    assert load(tmp_path / "new").digest == NETWORK.digest
    found, traces = load_vectors(tmp_path / "new" / "vectors.safetensors", NETWORK)
    np.testing.assert_array_equal(found, images[:VECTORS])
    expected = [run(NETWORK, image).to_json() for image in images[:VECTORS]]
    assert [trace.to_json() for trace in traces] == expected
    assert json.loads((tmp_path / "new" / "learning.json").read_text()) == figures


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"network.safetensors: cannot be written"):
        write_learnt(tmp_path / "file" / "new", NETWORK, random_images(NETWORK, 1, 1), {})
