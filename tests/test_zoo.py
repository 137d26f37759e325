"""The networks of `zoo/`: each loads, is what its row in `zoo/README.md` says, and comes from the
command beside it.
"""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from sim import batch
from sim.commands.command_line import program
from sim.connections.convolution import Convolution
from sim.data import dataset
from sim.file import load
from sim.report.describe import describe
from sim.report.report import Report
from train.commands import parser as command_line
from train.commands.options import chosen_settings
from train.neurons import read_settings

ZOO = Path(__file__).parent.parent / "zoo"
ROWS = {
    row[0]: row
    for row in re.findall(
        r"^\| `(\w+)` \| (.*) \| `(.*)` \|$", (ZOO / "README.md").read_text(), re.M
    )
}


def cells(name):
    """What the row says: sizes, bits, digest, accuracy, reads, spikes, kilobits, all as text."""
    return ROWS[name][1].split(" | ")


def test_every_network_has_its_row():
    assert sorted(ROWS) == sorted(path.stem for path in ZOO.glob("*.safetensors"))
    assert 1 <= len(ROWS) <= 12


def test_pages_count_the_networks():
    words = ("nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen")
    readme = (ZOO.parent / "README.md").read_text()
    (count,) = re.findall(r"\[(\w+) trained networks\]\(zoo/README.md\)", readme)
    assert words.index(count) + 9 == len(ROWS)


def maps_of(network):
    """Output channels of the network's convolutions."""
    connections = [layer.connection for layer in network.layers]
    return [each.channels_out for each in connections if isinstance(each, Convolution)]


@pytest.mark.parametrize("name", ROWS)
def test_network_is_what_its_row_says(name):
    network = load(ZOO / f"{name}.safetensors")
    facts = describe(network)
    sizes, bits, digest, accuracy, _, _, memory = cells(name)
    assert sizes == "-".join(
        str(size) for size in (facts["inputs"], *(layer["fan_out"] for layer in facts["layers"]))
    )
    assert bits == str(facts["layers"][0]["weight_bits"])
    assert digest == facts["digest"]
    assert memory == f"{facts['weight_memory_bits'] / 1024:.0f}"
    assert accuracy == f"{100 * network.provenance['accuracy']:.2f}"
    assert network.provenance["settings"].get("maps", []) == maps_of(network)


@pytest.mark.parametrize("name", ROWS)
def test_command_gives_the_settings_of_the_network(name, tmp_path):
    words = shlex.split(ROWS[name][2])
    assert words[:4] == ["python", "-m", "train", "export"]
    words[words.index("--out") + 1] = str(tmp_path)
    arguments = program("train", "", "", command_line.COMMANDS).parse_args(words[3:])
    trained = read_settings(load(ZOO / f"{name}.safetensors").provenance["settings"])
    assert chosen_settings(arguments) == trained


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_accuracy_is_what_the_row_says(name):
    network = load(ZOO / f"{name}.safetensors")
    kind = network.provenance["dataset"]
    folder = os.environ.get("FASHION_MNIST") if kind == "fashion-mnist" else None
    if kind == "fashion-mnist" and folder is None:
        pytest.skip("FASHION_MNIST does not name the folder of its IDX files")
    data = dataset.load(kind, folder and Path(folder))
    report = Report(
        network, data.test_images, data.test_labels, batch.run(network, data.test_images)
    )
    _, _, _, accuracy, reads, spikes, _ = cells(name)
    assert accuracy == f"{100 * report.accuracy:.2f}"
    assert reads == f"{report.reads.mean():,.0f}"
    assert spikes == f"{report.spikes.mean():.1f}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_command_trains_a_network_of_the_same_recipe_again(monkeypatch, tmp_path):
    """The one that trains fastest; two minutes.

    Its bits depend on the kind of machine and the version; its accuracy does not, but for the seed
    and for chance: four standard deviations of the right answers among 10,000. That a machine gives
    the same bits twice is for ``test_train_fit.py``.
    """
    words = shlex.split(ROWS["tiny"][2])
    words[words.index("--out") + 1] = str(tmp_path)
    monkeypatch.setattr(sys, "argv", words[2:])
    assert command_line.main() == 0
    kept, found = (load(path) for path in (ZOO / "tiny.safetensors", tmp_path))
    accuracy = kept.provenance["accuracy"]
    deviation = (accuracy * (1 - accuracy) / 10_000) ** 0.5
    assert abs(found.provenance["accuracy"] - accuracy) < 4 * deviation
    assert found.provenance["settings"] == kept.provenance["settings"]
