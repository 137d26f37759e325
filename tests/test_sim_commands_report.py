"""``sim report`` as a user meets it."""

import json

import numpy as np

from random_networks import random_images, random_network
from sim.commands.parser import main
from sim.data.idx import FILES, idx_bytes
from sim.file import save
from small_data import CODE, RECIPE
from train.commands.parser import main as train


def report(*words):
    return main(["report", *map(str, words)])


def test_report_writes_json_and_page(tmp_path, capsys):
    network = next(
        network
        for network in map(random_network, range(10**4))
        if network.encoder.image_shape == (4, 4) and len(network.classes) > 3
    )
    save(network, tmp_path / "network.safetensors")
    images, labels = random_images(network, 20, 1), np.arange(20, dtype=np.uint8) % 3
    for name, array in zip(FILES, (images, labels, images, labels), strict=True):
        (tmp_path / name).write_bytes(idx_bytes(array))

    outputs = ("--json", tmp_path / "report.json", "--html", tmp_path / "report.html")
    assert report(tmp_path, "--data", tmp_path, "--limit", "15", *outputs) == 0
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["images"] == 15
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert "accuracy" in capsys.readouterr().out


def test_what_was_trained_on_yin_yang_is_reported_on_the_same_test_images(tmp_path, capsys):
    train(["export", "--out", str(tmp_path), *RECIPE, *CODE, "--json"])
    trained = json.loads(capsys.readouterr().out)
    assert report(tmp_path, "--dataset", "yin-yang", "--json", "--html", tmp_path / "page") == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["images"] == 1000
    for name in ("accuracy", "weight_reads_per_image", "timeouts", "digest"):
        assert reported[name] == trained[name], name
