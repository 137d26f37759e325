"""``sim run`` as a user meets it."""

import json
import subprocess
import sys

import numpy as np

from command_lines import write_network
from random_networks import random_network
from sim import batch
from sim.commands.parser import main
from sim.data import dataset
from sim.file import save
from sim.pipeline import run
from sim.vectors import load_vectors


def test_run_prints_a_trace_per_image_and_keeps_all_spikes(tmp_path):
    network, images = write_network(tmp_path, seed=11, images=3)
    np.save(tmp_path / "labels.npy", np.zeros(3, np.int64))
    options = ("--images", "images.npy", "--labels", "labels.npy", "--trace", "t.safetensors")
    command = [sys.executable, "-m", "sim", "run", ".", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")

    traces = [run(network, image) for image in images]
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        trace.to_json() | {"label": 0} for trace in traces
    ]
    kept = load_vectors(tmp_path / "t.safetensors", network)[1]
    assert [trace.spikes for trace in kept] == [trace.spikes for trace in traces]


def test_run_takes_the_first_images_of_a_data_set(tmp_path, capsys):
    network = next(
        network
        for network in map(random_network, range(10**4))
        if network.encoder.image_shape == (2, 2) and len(network.classes) > 2
    )
    save(network, tmp_path / "network.safetensors")
    assert main(["run", str(tmp_path), "--dataset", "yin-yang", "--limit", "4"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    data = dataset.load("yin-yang")
    decisions = batch.run(network, data.test_images[:4])
    assert found == [
        decisions.to_json(index) | {"label": int(data.test_labels[index])} for index in range(4)
    ]
