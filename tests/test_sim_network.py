"""A network is valid or does not exist; its file gives it back, or says in one sentence what is
wrong.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from safetensors.numpy import save_file

from random_networks import random_images, random_network, seeds
from sim.errors import InputError
from sim.file import load, save
from sim.network import Encoder, Layer, Network
from sim.pipeline import run
from sim.trace import difference, load_vectors, save_vectors

PIXELS = np.arange(4, dtype=np.int32)
CODE = np.where(np.arange(256) > 127, 0, -1).astype(np.int16)
WEIGHT = np.ones((4, 2), np.int8)


def network(**changes):
    encoder = Encoder((2, 2), 1, PIXELS, CODE)
    return replace(
        Network(encoder, (Layer(WEIGHT, 3),), 4, 24, ("no", "yes"), {"seed": 1}), **changes
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pixels": PIXELS[::-1]}, "encoder.pixels: must be strictly increasing"),
        ({"pixels": np.array([0, 4], np.int32)}, r"encoder.pixels: must be in 0..3"),
        ({"pixels": PIXELS[:0]}, "encoder.pixels: at least one pixel"),
        ({"pixels": PIXELS.astype(np.int64)}, "encoder.pixels: must be int32, not int64"),
        ({"spike_tick": CODE[:255]}, "encoder.spike_tick: must have 256"),
        ({"spike_tick": CODE - np.int16(1)}, "encoder.spike_tick: must be a tick"),
        ({"spike_tick": np.full(256, -1, np.int16)}, "no intensity ever fires"),
        ({"pool": 3}, "pool: must be 1 or 2"),
        ({"image_shape": (4, 1), "pool": 2}, "image_shape: .* use even sizes"),
        ({"image_shape": (0, 4)}, "image_shape: two sizes"),
    ],
)
def test_invalid_encoder(change, sentence):
    with pytest.raises(InputError, match=sentence):
        Encoder(**{"image_shape": (2, 2), "pool": 1, "pixels": PIXELS, "spike_tick": CODE} | change)


@pytest.mark.parametrize(
    ("weight", "threshold", "bits", "sentence"),
    [
        (WEIGHT.astype(np.int16), 3, 8, "weight: must be int8, not int16"),
        (WEIGHT[0], 3, 8, "weight: must have 2 dimension"),
        (WEIGHT[:0], 3, 8, "weight: must have at least one row"),
        (WEIGHT * np.int8(8), 3, 4, r"weight: must be in -8..7 \(4 bits\)"),
        (WEIGHT * np.int8(-9), 3, 4, r"weight: must be in -8..7 \(4 bits\)"),
        (WEIGHT, 0, 8, "threshold: must be in 1"),
        (WEIGHT, 3, 9, "weight_bits: must be in 1..8, not 9"),
    ],
)
def test_invalid_layer(weight, threshold, bits, sentence):
    with pytest.raises(InputError, match=sentence):
        Layer(weight, threshold, bits)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ticks_per_unit": 0}, "ticks_per_unit"),
        ({"last_tick": 0}, "last_tick"),
        ({"layers": ()}, "needs at least one layer"),
        ({"layers": (Layer(WEIGHT[:3], 3),)}, "layers.0.weight: has 3 rows for 4 input neurons"),
        (
            {"layers": (Layer(WEIGHT, 3), Layer(WEIGHT, 3))},
            "layers.1.weight: has 4 rows for 2 input neurons",
        ),
        ({"classes": ("yes",)}, "classes: needs 2 different names"),
        ({"classes": ("yes", "yes")}, "classes: needs 2 different names"),
        ({"layers": (Layer(WEIGHT, 2**30),)}, "layers.0: its potentials need .* bits"),
        (
            {"encoder": Encoder((2, 2), 1, PIXELS, np.full(256, 25, np.int16))},
            "tick 25 is after last_tick 24",
        ),
    ],
)
def test_invalid_network(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        network(**changes)


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        network().layers[0].weight[0, 0] = 5


@given(seeds)
def test_file_gives_the_network_back(tmp_path_factory, seed):
    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    before = random_network(seed)
    save(before, path)
    after = load(path.parent)
    assert after.digest == before.digest
    assert after.settings() == before.settings()
    for name, array in before.tensors().items():
        assert array.dtype == after.tensors()[name].dtype
        assert np.array_equal(array, after.tensors()[name])


def test_digest_names_the_machine_not_its_history():
    assert network().digest == network(provenance={"seed": 2}).digest
    others = [
        network(last_tick=25),
        network(ticks_per_unit=5),
        network(classes=("a", "b")),
        network(layers=(Layer(WEIGHT, 4),)),
        network(layers=(Layer(WEIGHT, 3, 7),)),
        network(layers=(Layer(np.eye(4, 2, dtype=np.int8), 3),)),
    ]
    assert len({network().digest, *(other.digest for other in others)}) == len(others) + 1


def test_digest_is_the_same_on_every_machine():
    assert f"{network().digest:08x}" == "308e608a"


def test_every_truncation_is_one_sentence(tmp_path):
    path = tmp_path / "network.safetensors"
    save(network(), path)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="export it again"):
            load(path)


def rewritten(tmp_path, tensors=None, metadata=None):
    """Write the network's file with some arrays and metadata replaced, or dropped where None."""
    arrays = (
        {"encoder.pixels": PIXELS, "encoder.spike_tick": CODE}
        | network().tensors()
        | (tensors or {})
    )
    texts = (
        {"format": "ttfs-network", "version": "1", "provenance": "{}"}
        | network().settings()
        | (metadata or {})
    )
    path = tmp_path / "network.safetensors"
    whole = {
        name: np.array(array, order="C") for name, array in arrays.items() if array is not None
    }
    save_file(whole, path, metadata={key: text for key, text in texts.items() if text is not None})
    return path


@pytest.mark.parametrize(
    ("tensors", "metadata", "sentence"),
    [
        (
            {},
            {"version": "2"},
            "is ttfs-network version 2, not ttfs-network version 1; export it again",
        ),
        ({}, {"format": "pt"}, "is pt version 1, not ttfs-network"),
        ({}, {"last_tick": None}, "key last_tick is missing"),
        ({}, {"last_tick": "soon"}, "last_tick: is not JSON"),
        ({}, {"last_tick": '"24"'}, "last_tick: must be a JSON int"),
        ({}, {"weight_bits": "[8, 8]"}, "key layers.1.threshold is missing"),
        ({}, {"weight_bits": "[true]"}, "layers.0.weight_bits: must be in 1..8"),
        ({}, {"image_shape": "[2]"}, "image_shape: two sizes"),
        ({}, {"classes": '["yes"]'}, "classes: needs 2 different names"),
        ({"layers.0.weight": None}, {}, "key layers.0.weight is missing"),
        (
            {"layers.0.weight": WEIGHT.astype(np.float32)},
            {},
            "layers.0.weight: must be int8, not float32",
        ),
        ({"layers.0.weight": WEIGHT[:3]}, {}, "layers.0.weight: has 3 rows for 4 input neurons"),
        (
            {"layers.0.threshold": np.array([3, 3], np.int32)},
            {},
            "layers.0.threshold: must be one int32",
        ),
        ({"layers.7.weight": WEIGHT}, {}, "layers.7.weight: is not a key of this format"),
    ],
)
def test_inconsistent_files(tmp_path, tensors, metadata, sentence):
    with pytest.raises(InputError, match=sentence) as raised:
        load(rewritten(tmp_path, tensors, metadata))
    assert "network.safetensors: " in str(raised.value)


def test_foreign_and_missing_files(tmp_path):
    (tmp_path / "network.safetensors").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(InputError, match="is truncated or not a safetensors file"):
        load(tmp_path)
    with pytest.raises(InputError, match="no such file; `python -m train export"):
        load(tmp_path / "elsewhere")


@given(seeds)
def test_vectors_give_the_traces_back(tmp_path_factory, seed):
    path = tmp_path_factory.mktemp("vectors") / "vectors.safetensors"
    machine = random_network(seed)
    images = random_images(machine, 3, seed)
    traces = [run(machine, image) for image in images]
    save_vectors(path, machine, images, traces)
    found_images, found = load_vectors(path, machine)
    assert np.array_equal(images, found_images)
    assert [difference(a, b) for a, b in zip(traces, found, strict=True)] == [None] * 3


def test_vectors_of_another_network_are_refused(tmp_path):
    save_vectors(tmp_path / "v.safetensors", network(), np.zeros((0, 2, 2), np.uint8), [])
    with pytest.raises(InputError, match="belongs to network"):
        load_vectors(tmp_path / "v.safetensors", network(last_tick=25))


def test_provenance_is_kept(tmp_path):
    save(
        network(provenance={"dataset": "mnist", "accuracy": 0.98}), tmp_path / "network.safetensors"
    )
    assert load(tmp_path).provenance == {"dataset": "mnist", "accuracy": 0.98}
    assert json.loads(network().settings()["classes"]) == ["no", "yes"]
