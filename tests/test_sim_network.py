"""A network is valid or does not exist; its digests name what is in it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from random_networks import random_network, seeds
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.file import load
from sim.network import Layer
from sim.neuron import Neuron
from sim.readouts.final import Final
from sim.readouts.first_spike import FirstSpike
from sim.readouts.most_spikes import MostSpikes
from sim.readouts.peak import Peak
from small_network import CODE, PIXELS, WEIGHT, small_network

ZOO = Path(__file__).parent.parent / "zoo"
SQUARE = np.array([[1, 2], [3, -4]], np.int8)


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
        Layer(Dense(weight), Neuron(threshold), weight_bits=bits)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ticks_per_unit": 0}, "ticks_per_unit"),
        ({"last_tick": 0}, "last_tick"),
        ({"layers": ()}, "needs at least one layer"),
        (
            {"layers": (Layer(Dense(WEIGHT[:3]), Neuron(3)),)},
            "layers.0.weight: has 3 rows for 4 input neurons",
        ),
        (
            {"layers": (Layer(Dense(WEIGHT), Neuron(3)), Layer(Dense(WEIGHT), Neuron(3)))},
            "layers.1.weight: has 4 rows for 2 input neurons",
        ),
        ({"classes": ("yes",)}, "classes: needs 2 different names"),
        ({"classes": ("yes", "yes")}, "classes: needs 2 different names"),
        (
            {"layers": (Layer(Dense(WEIGHT), Neuron(2**30)),)},
            "layers.0: its potentials need .* bits",
        ),
        ({"encoder": "intensity"}, "encoder: must be Intensity"),
        ({"readout": "first_spike"}, "readout: must be FirstSpike"),
        (
            {"encoder": Intensity((2, 2), 1, PIXELS, np.full(256, 25, np.int16))},
            "tick 25 is after last_tick 24",
        ),
    ],
)
def test_invalid_network(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        small_network(**changes)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"recurrent": np.zeros((2, 3), np.int8)},
            r"recurrent: needs shape \(2, 2\), not \(2, 3\)",
        ),
        ({"bias": np.zeros(3, np.int8)}, r"bias: needs shape \(2,\), not \(3,\)"),
        ({"bias": np.zeros(2, np.int16)}, "bias: must be int8, not int16"),
        ({"bias": np.full(2, 8, np.int8), "weight_bits": 4}, r"bias: must be in -8..7 \(4 bits\)"),
        (
            {"bias": np.zeros(2, np.int8), "neuron": Neuron(3, ramp=False, window=(1, 2))},
            "bias: cannot go with a window; leave it out, or take start",
        ),
        (
            {
                "bias": np.zeros(8, np.int8),
                "connection": Convolution(np.zeros((1, 1, 1, 2), np.int8), (2, 2, 1)),
            },
            "bias: needs a dense connection",
        ),
    ],
)
def test_rows_of_its_own_that_no_layer_has(fields, sentence):
    with pytest.raises(InputError, match=sentence):
        Layer(**{"connection": Dense(WEIGHT), "neuron": Neuron(3)} | fields)


def test_rows_of_a_layer_have_one_order():
    own = {"recurrent": np.array([[1, 2], [3, 4]], np.int8), "bias": np.array([5, 6], np.int8)}
    layer = Layer(Dense(WEIGHT), Neuron(3), **own)
    assert layer.all_rows.tolist() == [*WEIGHT.tolist(), [1, 2], [3, 4], [5, 6]]
    assert (layer.bias_row, layer.rows, layer.stored) == (6, 7, WEIGHT.size + 6)


@pytest.mark.parametrize(
    ("readout", "neuron", "sentence"),
    [
        (
            FirstSpike(),
            Neuron(3, ramp=False, reset="never"),
            "readout first_spike needs outputs",
        ),
        (MostSpikes(), Neuron(3, ramp=False, window=(1, 2)), "readout most_spikes needs outputs"),
        (Peak(), Neuron(3, ramp=False, reset="zero"), "peak needs outputs with reset never"),
    ],
)
def test_outputs_that_a_readout_cannot_read(readout, neuron, sentence):
    with pytest.raises(InputError, match=f"layers.0.neuron: .*{sentence}"):
        small_network(layers=(Layer(Dense(WEIGHT), neuron),), readout=readout)


def test_outputs_are_not_recurrent():
    layer = Layer(Dense(WEIGHT), Neuron(3), recurrent=np.zeros((2, 2), np.int8))
    with pytest.raises(InputError, match=r"layers.0.recurrent: is not possible in the output"):
        small_network(layers=(layer,))


def test_a_layer_is_more_than_a_matrix():
    with pytest.raises(InputError, match="connection: must be Dense"):
        Layer(WEIGHT, Neuron(3))


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        small_network().layers[0].weight[0, 0] = 5


def test_digest_names_the_machine_not_its_history():
    assert small_network().digest == small_network(provenance={"seed": 2}).digest
    others = [
        small_network(last_tick=25),
        small_network(ticks_per_unit=5),
        small_network(classes=("a", "b")),
        small_network(layers=(Layer(Dense(WEIGHT), Neuron(4)),)),
        small_network(layers=(Layer(Dense(WEIGHT), Neuron(3), weight_bits=7),)),
        small_network(layers=(Layer(Dense(np.eye(4, 2, dtype=np.int8)), Neuron(3)),)),
    ]
    assert len({small_network().digest, *(other.digest for other in others)}) == len(others) + 1


def test_digest_is_the_same_on_every_machine():
    assert f"{small_network().digest:08x}" == "308e608a"


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("fashion", "1253c849"),
        ("four_bit", "85519c80"),
        ("prototype", "fada8b64"),
        ("tiny", "b751562a"),
        ("two_bit", "ded24280"),
        ("up5k", "1fcaad5f"),
    ],
)
def test_digests_of_the_zoo_stay(name, digest):
    assert f"{load(ZOO / f'{name}.safetensors').digest:08x}" == digest


def test_structure_is_all_but_the_weights_and_the_names_of_the_classes():
    structure = small_network().structure_digest
    alike = [
        small_network(provenance={"seed": 2}),
        small_network(classes=("a", "b")),
        small_network(layers=(Layer(Dense(np.eye(4, 2, dtype=np.int8)), Neuron(3)),)),
    ]
    assert {other.structure_digest for other in alike} == {structure}

    late = np.where(np.arange(256) > 127, 1, -1).astype(np.int16)
    two = Layer(Dense(np.ones((4, 2), np.int8)), Neuron(3)), Layer(Dense(WEIGHT[:2]), Neuron(3))
    others = [
        small_network(last_tick=25),
        small_network(ticks_per_unit=5),
        small_network(encoder=Intensity((2, 2), 1, PIXELS, late)),
        small_network(encoder=Intensity((1, 4), 1, PIXELS, late)),
        small_network(encoder=Intensity((4, 4), 2, PIXELS, late)),
        small_network(encoder=Intensity((1, 5), 1, PIXELS, late)),
        small_network(encoder=Intensity((1, 5), 1, PIXELS + np.int32(1), late)),
        small_network(layers=(Layer(Dense(WEIGHT), Neuron(4)),)),
        small_network(layers=(Layer(Dense(WEIGHT), Neuron(3), weight_bits=7),)),
        small_network(layers=(Layer(Dense(WEIGHT[:, :1]), Neuron(3)),), classes=("yes",)),
        small_network(layers=two),
    ]
    found = {structure, *(other.structure_digest for other in others)}
    assert len(found) == len(others) + 1


@given(seeds)
def test_reads_are_the_weights_of_the_rows(seed):
    network = random_network(seed)
    events = np.random.default_rng(seed).integers(0, 99, (3, 2, len(network.layers)))
    expected = sum(
        events[..., index] * layer.weight[0].size for index, layer in enumerate(network.layers)
    )
    assert np.array_equal(network.reads(events), expected)


@given(seeds)
def test_neurons_that_cannot_fire_never_do(seed):
    """A neuron can fire if it does when all that excites it comes at once, and first."""
    network = random_network(seed)
    for index, layer in enumerate(network.layers):
        first = min(network.encoder.first_tick + index, network.last_tick)
        excitation = np.maximum(layer.weight.astype(np.int64), 0).sum(axis=0)
        ramp = layer.threshold * (network.ticks_per_unit + network.last_tick)
        highest = excitation * (network.last_tick - first) - ramp
        assert np.array_equal(network.can_fire(index), highest >= 0)


def windows(*parts, last_tick=9, **changes):
    """Return dense layers 4-2-2-... behind binary input, with these windows, then outputs."""
    layers = [
        Layer(Dense(WEIGHT if index == 0 else SQUARE), Neuron(3, ramp=False, window=part))
        for index, part in enumerate(parts)
    ]
    layers.append(Layer(Dense(SQUARE), Neuron(1, ramp=False, reset="never")))
    fields = {"layers": tuple(layers), "readout": Final(), "last_tick": last_tick}
    return small_network(**fields | changes)


@pytest.mark.parametrize(
    ("parts", "changes", "sentence"),
    [
        (
            [(1, 3), (5, 3)],
            {},
            "layers.1.neuron.window: must begin at tick 4, where all",
        ),
        ([(2, 3)], {}, "layers.0.neuron.window: must begin at tick 1, where all its spikes"),
        ([(1, 15)], {}, "layers.0.neuron.window: ends after last_tick 9; take at least 15"),
        ([(1, 3)], {"readout": FirstSpike()}, "layers.1.neuron: readout first_spike needs outputs"),
        (
            [(1, 3)],
            {"layers": (Layer(Dense(WEIGHT), Neuron(3)),)},
            "layers.0.neuron: readout final needs outputs with reset never",
        ),
        (
            [(1, 3)],
            {
                "layers": (
                    Layer(Dense(WEIGHT), Neuron(1, ramp=False, reset="never")),
                    Layer(Dense(SQUARE), Neuron(1, ramp=False, reset="never")),
                )
            },
            "layers.0.neuron.reset: never is for outputs; take one that fires",
        ),
        (
            [(1, 3)],
            {
                "layers": (
                    Layer(Dense(WEIGHT), Neuron(3)),
                    Layer(Dense(SQUARE), Neuron(3, ramp=False, window=(4, 2))),
                    Layer(Dense(SQUARE), Neuron(1, ramp=False, reset="never")),
                )
            },
            "layers.1.neuron.window: cannot come after events, or after a layer without",
        ),
        (
            [(1, 3)],
            {
                "layers": (
                    Layer(Dense(WEIGHT), Neuron(2**30, ramp=False, window=(1, 3))),
                    Layer(Dense(SQUARE), Neuron(1, ramp=False, reset="never")),
                )
            },
            r"layers.0.threshold: times the window is over 2\^31",
        ),
    ],
)
def test_windows_and_outputs_that_do_not_fit(parts, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        windows(*parts, **changes)


def test_windows_that_follow_each_other():
    network = windows((1, 3), (4, 2))
    assert [network.first_spike(index) for index in range(3)] == [0, 1, 4]
    assert network.file_version == 2


@pytest.mark.parametrize("start", [np.zeros(3, np.int32), np.zeros(2, np.int64), np.zeros(2)])
def test_starts_that_do_not_fit(start):
    with pytest.raises(InputError, match=r"start: (needs 2 values, not 3|must be int32)"):
        Layer(Dense(WEIGHT), Neuron(3), start=start)


def map_network(pixels=None, shape=(4, 4)):
    """Return a convolution over an image, of which only some pixels may be used."""
    pixels = np.arange(16, dtype=np.int32) if pixels is None else pixels
    encoder = Intensity(shape, 1, pixels, CODE)
    kernel = np.ones((1, 3, 3, 2), np.int8)
    layer = Layer(Convolution(kernel, (4, 4, 1), 2), Neuron(3), start=np.array([1, 2], np.int32))
    return small_network(encoder=encoder, layers=(layer,), classes=("yes", "no"))


def test_start_of_a_channel_is_the_same_at_each_position():
    assert map_network().layers[0].starts().tolist() == [1, 2]
    layer = Layer(
        Convolution(np.ones((1, 2, 2, 2), np.int8), (4, 4, 1), 2),
        Neuron(3),
        start=np.array([1, 2], np.int32),
    )
    assert layer.starts().tolist() == [1, 2] * 4


def test_a_convolution_needs_all_pixels_of_its_map():
    with pytest.raises(InputError, match=r"encoder.pixels: a convolution needs all 16 of them"):
        map_network(np.arange(15, dtype=np.int32))
    with pytest.raises(InputError, match=r"layers.0.connection.input: reads a map of \[4, 4, 1\]"):
        map_network(shape=(2, 8))


def test_a_dense_layer_reads_no_channels():
    encoder = Intensity((1, 2, 2), 1, np.arange(4, dtype=np.int32), CODE)
    with pytest.raises(InputError, match="image_shape: has channels, which only a convolution"):
        small_network(encoder=encoder)


def test_what_events_of_a_convolution_look_up_depends_on_the_events():
    assert map_network().reads(np.array([3])) is None
    assert map_network().synapse_counts == [18]
    assert map_network().reads_by_source[0].tolist() == [2, 2, 2, 0] * 3 + [0] * 4
