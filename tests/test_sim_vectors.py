"""Traces in a file: it gives them back, to their own network only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from random_networks import any_network, random_images, random_network, seeds
from sim.errors import InputError
from sim.pipeline import run
from sim.trace import difference
from sim.vectors import load_vectors, save_vectors
from small_network import small_network


@given(seeds, st.booleans())
def test_vectors_give_the_traces_back(tmp_path_factory, seed, mixed):
    path = tmp_path_factory.mktemp("vectors") / "vectors.safetensors"
    machine = any_network(seed) if mixed else random_network(seed)
    images = random_images(machine, 3, seed)
    traces = [run(machine, image) for image in images]
    save_vectors(path, machine, images, traces)
    found_images, found = load_vectors(path, machine)
    assert np.array_equal(images, found_images)
    assert [difference(a, b) for a, b in zip(traces, found, strict=True)] == [None] * 3


def test_vectors_of_another_network_are_refused(tmp_path):
    save_vectors(tmp_path / "v.safetensors", small_network(), np.zeros((0, 2, 2), np.uint8), [])
    with pytest.raises(InputError, match="belongs to network"):
        load_vectors(tmp_path / "v.safetensors", small_network(last_tick=25))
