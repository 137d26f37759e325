"""The compiled machine equals the obvious one."""

import numpy as np
from hypothesis import given

from random_networks import random_images, random_network, seeds
from sim.batch import CHUNK, run
from sim.encoders.intensity import encode
from sim.pipeline import run as run_one


@given(seeds)
def test_batch_equals_pipeline(seed):
    network = random_network(seed)
    images = random_images(network, 8, seed)
    decisions = run(network, images)
    assert [decisions.to_json(index) for index in range(len(images))] == [
        run_one(network, image).to_json() for image in images
    ]


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
