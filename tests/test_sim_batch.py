"""The compiled machine equals the obvious one."""

import threading
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numba.np.ufunc import parallel

from leaky_networks import leaky_network, random_samples
from random_networks import any_network, random_images, random_network, seeds
from sim import batch
from sim.batch import CHUNK, run
from sim.connections.pool import Pool
from sim.encoders.intensity import encode
from sim.pipeline import run as run_one


@given(seeds, st.sampled_from([any_network, random_network, leaky_network]))
def test_batch_equals_pipeline(seed, draw):
    network = draw(seed)
    samples = random_samples(network, 8, seed)
    decisions = run(network, samples)
    traces = [run_one(network, samples[index]) for index in range(8)]
    found = [decisions.to_json(index) for index in range(8)]
    assert found == [trace.to_json() for trace in traces]

    for index, trace in enumerate(traces):
        looked_up = [
            sum(len(layer.connection.visits(spike.neuron)) for spike in spikes)
            * layer.connection.channels_out
            * (type(layer.connection) is not Pool)
            for layer, spikes in zip(network.layers, trace.spikes, strict=True)
        ]
        for layer, own in enumerate(zip(trace.recurrent or [], trace.bias or [], strict=True)):
            looked_up[layer] += sum(own) * network.layers[layer].fan_out
        assert decisions.reads[index].tolist() == looked_up


def test_any_networks_reach_every_corner():
    """The property above means little unless its networks have all parts, and these act."""
    seen = set()
    for seed in range(200):
        network = any_network(seed)
        decisions = run(network, random_images(network, 4, seed))
        seen |= {network.readout_name, f"{len(network.layers)} layers"}
        for index, layer in enumerate(network.layers):
            kind = "window" if layer.neuron.window else layer.neuron.reset
            seen.add((kind, type(layer.connection).__name__, layer.start is None))
            if index < len(network.layers) - 1:
                spikes = decisions.events[:, index + 1].max()
                seen.add((kind, "fires" if spikes > 0 else "is silent"))
                seen |= {"fires again"} if spikes > layer.fan_out else set()
            if (network.reads_by_source[index] == 0).any():
                seen.add("an event meets no position")
            seen |= {"signs"} if layer.form.signs else set()

    kinds = {
        (kind, connection, start)
        for kind in ("window", "once", "subtract", "never")
        for connection in ("Dense", "Convolution")
        for start in (True, False)
    }
    fires = {(kind, "fires") for kind in ("window", "once", "subtract")}
    wanted = {"fires again", "an event meets no position", "signs", "first_spike", "final"}
    assert kinds | fires | wanted | {"1 layers", "2 layers", "3 layers"} <= seen


def test_leaky_networks_reach_every_corner():
    seen = set()
    for seed in range(150):
        network = leaky_network(seed)
        decisions = run(network, random_samples(network, 4, seed))
        seen.add((network.readout_name, network.early and not decisions.timed_out.all()))
        several = getattr(network.encoder, "mask", None) is not None
        seen.add("mask" if several else type(network.encoder).__name__)
        for index, layer in enumerate(network.layers):
            spikes = index < len(network.layers) - 1 and decisions.events[:, index + 1].any()
            seen |= what_acts(layer, spikes)
            seen |= {"recurrent"} if decisions.recurrent[:, index].any() else set()
            seen |= {"bias"} if decisions.bias[:, index].any() else set()

    resets = {(reset, "fires") for reset in ("once", "zero", "subtract")}
    limits = {(reset, limit) for reset in ("zero", "subtract") for limit in (True, False)}
    ends = {("first_spike", True), ("peak", True), ("peak", False)}
    ends |= {("final", False), ("most_spikes", False), ("once", False), ("never", False)}
    parts = {"Intensity", "Events", "mask", "Dense", "Convolution", "Pool"}
    parts |= {"fraction", "recurrent", "bias"}
    assert resets | limits | ends | parts | {("a", 0), ("a", 1), ("b", True), ("b", False)} <= seen


def what_acts(layer, spikes):
    """Return what a leaky layer is, and whether it fires."""
    neuron = layer.neuron
    return {
        type(layer.connection).__name__,
        (neuron.reset, neuron.limit > 0),
        ("a", min(neuron.synapse, 1)),
        ("b", neuron.membrane == 256),
        "fraction" if neuron.fraction else "whole",
        (neuron.reset, "fires" if spikes else "is silent"),
    }


def test_random_networks_reach_every_corner():
    """The property above means little unless its networks decide, time out, tie and use several
    ticks and layers.
    """
    seen = set()
    for seed in range(300):
        network = random_network(seed)
        images = random_images(network, 4, seed)
        decisions = run(network, images)
        seen |= {f"timed out {timed_out}" for timed_out in decisions.timed_out}
        seen |= {f"layers {len(network.layers)}", f"pool {network.encoder.pool}"}
        best = np.sort(decisions.potential, axis=1)
        if (
            best.shape[1] > 1
            and (best[~decisions.timed_out, -1] == best[~decisions.timed_out, -2]).any()
        ):
            seen.add("tie")
        if len(np.unique(encode(network.encoder, images))) > 3:
            seen.add("several ticks")
        if (
            len(network.layers) > 1
            and not decisions.timed_out.all()
            and decisions.events[:, 1].any()
        ):
            seen.add("hidden spikes")
    wanted = {
        "timed out True",
        "timed out False",
        "tie",
        "several ticks",
        "hidden spikes",
        "pool 1",
        "pool 2",
    }
    assert wanted | {"layers 1", "layers 2", "layers 3"} <= seen


def test_progress_counts_every_image_over_several_chunks():
    network = random_network(3)
    images = random_images(network, 2 * CHUNK + 5, 3)
    counts = []
    decisions = run(network, images, counts.append)
    assert counts == [CHUNK, CHUNK, 5]
    assert decisions.to_json(2 * CHUNK + 4) == run_one(network, images[-1]).to_json()


def test_threads_change_nothing_and_are_none_of_numbas(monkeypatch):
    """Numba's threads are OpenMP's: starting them would set how many PyTorch uses."""
    network = random_network(3)
    images = random_images(network, 6 * CHUNK + 5, 3)
    before = torch.get_num_threads()
    results = []
    for count in (1, 3):
        monkeypatch.setattr(batch, "most_threads", lambda count=count: count)
        results.append(run(network, images))
    for field in fields(results[0]):
        first, second = (getattr(result, field.name) for result in results)
        assert np.array_equal(first, second), field.name

    assert torch.get_num_threads() == before
    assert not parallel._is_initialized


def test_an_interrupted_run_leaves_no_thread(monkeypatch):
    monkeypatch.setattr(batch, "most_threads", lambda: 3)
    network = random_network(3)

    def interrupt(done):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run(network, random_images(network, 20 * CHUNK, 3), interrupt)
    assert threading.active_count() == before
