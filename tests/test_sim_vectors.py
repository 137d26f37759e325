"""Traces in a file: it gives them back, to their own network only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaky_networks import leaky_network, random_samples
from random_networks import any_network, random_network, seeds
from sim.errors import InputError
from sim.pipeline import run
from sim.trace import difference
from sim.vectors import load_vectors, save_vectors
from small_network import small_network


@given(seeds, st.sampled_from([any_network, random_network, leaky_network]))
def test_vectors_give_the_traces_back(tmp_path_factory, seed, draw):
    path = tmp_path_factory.mktemp("vectors") / "vectors.safetensors"
    machine = draw(seed)
    samples = random_samples(machine, 3, seed)
    traces = [run(machine, samples[index]) for index in range(3)]
    save_vectors(path, machine, samples, traces)
    found_samples, found = load_vectors(path, machine)
    assert [difference(a, b) for a, b in zip(traces, found, strict=True)] == [None] * 3

    again = [run(machine, found_samples[index]) for index in range(3)]
    assert [difference(a, b) for a, b in zip(traces, again, strict=True)] == [None] * 3


def test_vectors_of_another_network_are_refused(tmp_path):
    save_vectors(tmp_path / "v.safetensors", small_network(), np.zeros((0, 2, 2), np.uint8), [])
    with pytest.raises(InputError, match="belongs to network"):
        load_vectors(tmp_path / "v.safetensors", small_network(last_tick=25))
