"""What a machine is built from: lanes and widths that follow from a network, and what cannot be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from hw.parameters import FULL, MachineParameters
from hw.rows import BLOCK, LOGIC, SPRAM, flash
from lesson_networks import course, machine
from random_networks import any_network, random_network, seeds
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.learning.supervised import Rule
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike
from small_network import small_network

TWO = machine([[1, 1]], [[1, 1], [1, 1]])
"""A network of two layers."""


@given(seeds)
def test_no_layer_has_more_folds_than_the_widest_and_none_too_many_lanes(seed):
    network = random_network(seed)
    widest = max(layer.fan_out for layer in network.layers)
    lanes = int(np.random.default_rng(seed).integers(1, widest + 1))
    folds = -(-widest // lanes)
    for layer in MachineParameters(network, lanes).layers:
        assert layer.folds <= folds
        assert layer.lanes == 1 or -(-layer.layer.fan_out // (layer.lanes - 1)) > folds


MAPS = Network(
    Intensity((4, 4), 1, np.arange(16, dtype=np.int32), np.full(256, 0, np.int16)),
    (
        Layer(Convolution(np.ones((1, 2, 2, 12), np.int8), (4, 4, 1)), Neuron(9)),
        Layer(Dense(np.ones((108, 10), np.int8)), Neuron(9), weight_bits=1),
    ),
    FirstSpike(),
    2,
    9,
    tuple("0123456789"),
)
"""A convolution of 12 channels at 9 positions, and ten outputs of signs."""


@pytest.mark.parametrize(
    ("lanes", "found"),
    [(1, (1, 1)), (3, (3, 2)), (5, (4, 2)), (8, (6, 5)), (11, (6, 5)), (FULL, (12, 10))],
)
def test_lanes_are_the_most_of_any_layer_and_divide_channels_and_signs(lanes, found):
    layers = MachineParameters(MAPS, lanes).layers
    assert tuple(layer.lanes for layer in layers) == found
    assert [layer.folds for layer in layers] == [9 * 12 // found[0], 10 // found[1]]
    assert [layer.scattered for layer in layers] == [True, False]


@given(seeds)
def test_no_fold_has_neurons_of_two_positions(seed):
    network = any_network(seed)
    widest = max(layer.connection.channels_out for layer in network.layers)
    lanes = int(np.random.default_rng(seed).integers(1, widest + 1))
    for layer in MachineParameters(network, lanes).layers:
        assert layer.lanes <= lanes
        assert not layer.scattered or layer.layer.connection.channels_out % layer.lanes == 0


def test_a_convolution_is_stored_anywhere_but_in_flash_and_does_not_learn():
    for placement in (BLOCK, SPRAM, LOGIC):
        MachineParameters(MAPS).with_placement(0, placement)
    MachineParameters(MAPS).with_placement(1, flash(4))
    with pytest.raises(InputError, match="placement: a convolution looks up single words"):
        MachineParameters(MAPS).with_placement(0, flash(4))
    with pytest.raises(InputError, match=r"layers.0: learning needs dense layers"):
        MachineParameters(MAPS, FULL, Rule(1, 0))


@given(seeds)
def test_what_learns_has_a_lane_for_each_output(seed):
    network, *_, rule = course(seed, 1)
    hidden, output = MachineParameters(network, 1, rule).layers
    assert (output.lanes, output.folds) == (len(network.classes), 1)
    assert {layer.silent_tick for layer in (hidden, output)} == {network.last_tick + 1}
    assert (hidden.reachable, output.reachable) == (True, True)


@given(seeds)
def test_no_width_depends_on_weights_that_may_be_exchanged(seed):
    """Bounds of these weights lie inside those of any."""
    network, rng = random_network(seed), np.random.default_rng(seed)

    def other(layer):
        form = layer.form
        drawn = rng.integers(form.low, form.high + 1, layer.weight.shape)
        return layer.with_weight(drawn.astype(np.int8))

    other_network = replace(network, layers=tuple(map(other, network.layers)))
    fixed, any_weights, exchanged = (
        [bounds for layer in each.layers for bounds in (layer.current, layer.potential)]
        for each in (
            MachineParameters(network),
            MachineParameters(network, exchangeable=True),
            MachineParameters(other_network, exchangeable=True),
        )
    )
    assert any_weights == exchanged
    for narrow, wide in zip(fixed, any_weights, strict=True):
        assert wide.low <= narrow.low <= narrow.high <= wide.high


def test_a_layer_outside_of_block_ram_is_found():
    plain = MachineParameters(TWO)
    assert (plain.loaded_layer, plain.flash_layer, plain.word_rows) == (None, None, {})
    loaded, flashed = plain.with_placement(1, SPRAM), plain.with_placement(0, flash(2))
    assert (loaded.loaded_layer, loaded.flash_layer, [*loaded.word_rows]) == (1, None, [1])
    assert (flashed.loaded_layer, flashed.flash_layer, flashed.word_rows) == (None, 0, {})
    assert plain.largest_layer == 1


def test_layers_in_spram_share_it():
    """Their words follow each other, each in as many bytes as the longest takes."""
    shared = MachineParameters(MAPS, 5, placement=(SPRAM, SPRAM))
    assert (shared.shared_layers, shared.loaded_layer) == ((0, 1), 0)
    assert [(layer.shared, layer.reachable) for layer in shared.layers] == [(True, False)] * 2
    ((index, rows),) = shared.word_rows.items()
    first, second = (layer.rows.pack() for layer in shared.layers)
    assert (index, rows.word_bytes, rows.pack()) == (0, 4, first + second)

    alone = shared.with_placement(1, BLOCK)
    assert (alone.shared_layers, [*alone.word_rows]) == ((), [0])


@pytest.mark.parametrize("lanes", [0, 3, -1, "all", True])
def test_lanes_that_do_not_fit_are_refused(lanes):
    with pytest.raises(
        InputError, match=r"lanes: must be in 1\.\.2 \(the widest layer\) or 'full'"
    ):
        MachineParameters(small_network(), lanes)


@pytest.mark.parametrize(
    ("placement", "problem"),
    [
        ((BLOCK,), "must have one value for each of 2 layers, not 1"),
        ((flash(1), flash(1)), "flash stores the weights of one layer, not of 2"),
    ],
)
def test_a_placement_that_cannot_be_is_refused(placement, problem):
    with pytest.raises(InputError, match=problem):
        MachineParameters(TWO, placement=placement)


def test_what_cannot_learn_is_refused():
    deep = Network(TWO.encoder, (*TWO.layers, TWO.layers[1]), FirstSpike(), 2, 12, TWO.classes)
    with pytest.raises(InputError, match="learning needs 2"):
        MachineParameters(deep, FULL, Rule(1, 0))
    with pytest.raises(InputError, match="none of them in SPRAM"):
        MachineParameters(TWO, FULL, Rule(1, 0), placement=(SPRAM, BLOCK))
