"""A network's file gives it back, in both versions, or says in one sentence what is wrong."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from leaky_networks import leaky_network
from random_networks import any_network, random_network, seeds
from sim.errors import InputError
from sim.file import load, save
from sim.readouts import READOUTS
from sim.readouts.first_spike import FirstSpike
from small_network import CODE, PIXELS, WEIGHT, small_network

ZOO = sorted((Path(__file__).parent.parent / "zoo").glob("*.safetensors"))

MOSTAFA = {
    "membrane": 256,
    "synapse": 256,
    "reset": "once",
    "ramp": True,
    "fraction": 0,
    "window": None,
    "adaptation": None,
    "competition": None,
    "strength": 0,
    "limit": 0,
}
LAYER = {"connection": {"kind": "dense"}, "neuron": MOSTAFA, "weight_bits": 8}
ENCODER = {"kind": "intensity", "image_shape": [2, 2], "pool": 1}
VERSION_2 = {
    "format": "ttfs-network",
    "version": "2",
    "layers": json.dumps([LAYER]),
    "readout": '"first_spike"',
    "encoder": json.dumps(ENCODER),
    "ticks_per_unit": "4",
    "last_tick": "24",
    "classes": '["no", "yes"]',
    "provenance": '{"seed": 1}',
}


@given(seeds, st.sampled_from([any_network, random_network, leaky_network]))
def test_file_gives_the_network_back(tmp_path_factory, seed, draw):
    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    before = draw(seed)
    save(before, path)
    after = load(path.parent)
    assert after.digest == before.digest
    assert after.settings() == before.settings()
    for name, array in before.tensors().items():
        assert array.dtype == after.tensors()[name].dtype
        assert np.array_equal(array, after.tensors()[name])


def test_every_truncation_is_one_sentence(tmp_path):
    path = tmp_path / "network.safetensors"
    save(small_network(), path)
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="export it again"):
            load(path)


def rewritten(tmp_path, tensors=None, metadata=None):
    """Write the network's file with some arrays and metadata replaced, or dropped where None."""
    arrays = (
        {"encoder.pixels": PIXELS, "encoder.spike_tick": CODE}
        | small_network().tensors()
        | (tensors or {})
    )
    texts = (
        {"format": "ttfs-network", "version": "1", "provenance": "{}"}
        | small_network().settings()
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
            {"version": "3"},
            "is ttfs-network version 3, not ttfs-network version 1 or 2; export it again",
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


def test_provenance_is_kept(tmp_path):
    save(
        small_network(provenance={"dataset": "mnist", "accuracy": 0.98}),
        tmp_path / "network.safetensors",
    )
    assert load(tmp_path).provenance == {"dataset": "mnist", "accuracy": 0.98}
    assert json.loads(small_network().settings()["classes"]) == ["no", "yes"]


def parts(path):
    """The header of a safetensors file, and the bytes after it."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_the_zoo_is_written_as_it_was(path, tmp_path):
    """Byte for byte, but for the order of the header's keys, which safetensors draws."""
    again = tmp_path / "network.safetensors"
    save(load(path), again)
    assert parts(again) == parts(path)
    assert len(again.read_bytes()) == len(path.read_bytes())


@given(seeds)
def test_version_2_says_the_same_network(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("network")
    before = random_network(seed)
    assume(all(layer.weight_bits > 1 for layer in before.layers))
    save(before, folder / "two.safetensors", version=2)
    save(before, folder / "one.safetensors")
    after = load(folder / "two.safetensors")
    assert after.digest == before.digest
    assert after.readout == before.readout
    save(after, folder / "again.safetensors")
    assert parts(folder / "again.safetensors") == parts(folder / "one.safetensors")


def version_2(tmp_path, tensors=None, metadata=None):
    """Write a hand-made file of version 2 with some keys replaced, or dropped where None."""
    arrays = small_network().tensors() | (tensors or {})
    texts = VERSION_2 | (metadata or {})
    path = tmp_path / "network.safetensors"
    save_file(
        {name: np.array(array, order="C") for name, array in arrays.items() if array is not None},
        path,
        metadata={key: text for key, text in texts.items() if text is not None},
    )
    return path


def test_hand_made_version_2(tmp_path):
    path = version_2(tmp_path)
    assert load(path).digest == small_network().digest
    assert load(path).provenance == {"seed": 1}
    save(small_network(), tmp_path / "ours.safetensors", version=2)
    ours, hand_made = parts(tmp_path / "ours.safetensors"), parts(path)
    assert ours == hand_made


def layers(**changes):
    return {"layers": json.dumps([LAYER | changes])}


def neuron(**changes):
    return layers(neuron=MOSTAFA | changes)


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


@pytest.mark.parametrize(
    ("tensors", "metadata", "sentence"),
    [
        ({}, {"weight_bits": "[8]"}, "weight_bits: is not a key of this format"),
        ({}, {"pool": "1"}, "pool: is not a key of this format"),
        ({}, {"layers": None}, "key layers is missing"),
        ({}, {"layers": "{}"}, "layers: must be a JSON list"),
        ({}, {"layers": "[8]"}, "layers.0: must be a JSON object"),
        ({}, layers(delay=3), "layers.0.delay: is not a key of this format"),
        (
            {},
            {"layers": json.dumps([without(LAYER, "weight_bits")])},
            "layers.0.weight_bits: is missing",
        ),
        (
            {"layers.0.weight": WEIGHT * np.int8(0)},
            layers(weight_bits=1),
            r"layers.0.weight: of one bit must be -1 and \+1 in version 2",
        ),
        ({}, layers(weight_bits=9), "layers.0.weight_bits: must be in 1..8, not 9"),
        ({}, layers(connection="dense"), "layers.0.connection: must be a JSON dict"),
        (
            {},
            layers(connection={"kind": "pool", "size": 2}),
            "layers.0.connection.input: is missing",
        ),
        (
            {},
            layers(connection={"kind": "convolution", "stride": 2}),
            "layers.0.connection.input: is missing",
        ),
        (
            {},
            layers(connection={"kind": "dense", "stride": 2}),
            "layers.0.connection.stride: is not a key",
        ),
        ({}, layers(connection={}), "layers.0.connection.kind: is missing"),
        ({}, neuron(membrane=128), "layers.0.membrane: with a ramp must be 256"),
        ({}, neuron(membrane="256"), "layers.0.membrane: must be in 0..256, not 256"),
        ({}, neuron(reset="zero"), "layers.0.reset: with a ramp must be once or subtract"),
        ({}, neuron(ramp=False, window=[9, 3]), "layers.0.neuron.window: must begin at tick 1,"),
        ({}, neuron(window=[9]), "layers.0.window: must be two numbers"),
        (
            {},
            neuron(adaptation={"raise": 416, "shift": 10}),
            "layers.0.adaptation: .* is not possible",
        ),
        ({}, neuron(adaptation={"raise": 416}), "layers.0.adaptation.shift: is missing"),
        ({}, neuron(adaptation=3), "layers.0.adaptation: must be a JSON object"),
        ({}, neuron(leak=3), "layers.0.neuron.leak: is not a key of this format"),
        (
            {},
            layers(neuron=without(MOSTAFA, "limit")),
            "layers.0.neuron.limit: is missing",
        ),
        (
            {},
            {"readout": '"peak"'},
            "layers.0.neuron: readout peak needs outputs with reset never",
        ),
        ({}, {"readout": "first_spike"}, "readout: is not JSON"),
        ({}, {"encoder": '{"kind": "events", "inputs": 4}'}, "encoder.pixels: is not a key"),
        ({}, {"encoder": '{"kind": "event", "inputs": 4}'}, "encoder.kind: 'event' is not"),
        ({}, {"encoder": "[]"}, "encoder: must be a JSON dict"),
        ({}, {"encoder": json.dumps(without(ENCODER, "kind"))}, "encoder.kind: is missing"),
        ({}, {"encoder": json.dumps(without(ENCODER, "pool"))}, "encoder.pool: is missing"),
        ({}, {"encoder": json.dumps(ENCODER | {"pool": True})}, "pool: must be 1 or 2, not True"),
        ({}, {"encoder": json.dumps(ENCODER | {"image_shape": 4})}, "image_shape: must be a JSON"),
        ({}, {"encoder": json.dumps(ENCODER | {"bits": 8})}, "encoder.bits: is not a key"),
        (
            {"layers.0.weight": WEIGHT.astype(np.uint8)},
            {},
            "layers.0.weight: must be int8, not uint8",
        ),
        (
            {"layers.0.threshold": np.array([3, 3], np.int32)},
            {},
            "layers.0.threshold: must be one int32",
        ),
        (
            {"layers.0.recurrent": np.zeros((2, 2), np.int8)},
            {},
            "layers.0.recurrent: is not possible in the output layer; leave it out",
        ),
        ({"layers.0.bias": np.zeros(3, np.int8)}, {}, "layers.0.bias: needs shape"),
        ({"layers.0.start": np.zeros(2, np.int8)}, {}, "layers.0.start: must be int32, not int8"),
        ({"layers.0.weight": None}, {}, "key layers.0.weight is missing"),
        (
            {"encoder.spikes": np.zeros((256, 25), np.uint8)},
            {},
            "encoder.spikes: and enc",
        ),
        ({"layers.1.weight": WEIGHT}, {}, "layers.1.weight: is not a key of this format"),
    ],
)
def test_what_version_2_refuses(tmp_path, tensors, metadata, sentence):
    with pytest.raises(InputError, match=sentence) as raised:
        load(version_2(tmp_path, tensors, metadata))
    assert "network.safetensors: " in str(raised.value)
    assert str(raised.value).count(". ") == 0


def test_version_2_cannot_say_a_bit_that_is_minus_one_or_zero(tmp_path):
    weight = np.array([[-1, 0]] * 4, np.int8)
    layer = small_network().layers[0].with_weight(weight)
    binary = small_network(layers=(type(layer)(layer.connection, layer.neuron, weight_bits=1),))
    save(binary, tmp_path / "network.safetensors")
    with pytest.raises(InputError, match=r"layers.0.weight: of one bit must be -1 and \+1"):
        save(binary, tmp_path / "network.safetensors", version=2)
    assert load(tmp_path).digest == binary.digest


@dataclass(frozen=True)
class Other(FirstSpike):
    """A readout that version 1 does not know."""


def test_what_version_1_cannot_say_is_written_in_version_2(tmp_path, monkeypatch):
    monkeypatch.setitem(READOUTS, "other", Other)
    other = small_network(readout=Other())
    assert (small_network().file_version, other.file_version) == (1, 2)
    assert other.digest != small_network().digest
    assert other.structure_digest != small_network().structure_digest

    save(other, tmp_path / "network.safetensors")
    assert load(tmp_path).digest == other.digest
    assert load(tmp_path).readout == Other()
    with pytest.raises(InputError, match="version: 1 of the file cannot say this network; take 2"):
        save(other, tmp_path / "network.safetensors", version=1)

    binary = replace(other.layers[0].with_weight(WEIGHT * np.int8(-1)), weight_bits=1)
    with pytest.raises(InputError, match=r"layers.0.weight: of one bit must be -1 and \+1"):
        small_network(readout=Other(), layers=(binary,))


def test_a_path_may_be_text(tmp_path):
    network = random_network(5)
    save(network, str(tmp_path / "network.safetensors"))
    assert load(str(tmp_path)).digest == load(tmp_path).digest == network.digest
