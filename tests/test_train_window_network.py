"""The trainable network ends as the integers that the machine runs."""

from dataclasses import replace

import pytest
import torch

from sim.errors import InputError
from small_windows import CONVOLUTION, SMALL_WINDOWS
from train.window.network import new_network

IMAGES = SMALL_WINDOWS.train.images[:64]


def network_of(settings=CONVOLUTION, seed=1):
    return new_network(settings, 8, 8, 3, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "change",
    [{}, {"bits": (1,)}, {"bits": (4, 1, 2), "window": 3}, {"maps": (), "hidden": (9, 5)}],
)
def test_a_settled_network_is_its_integers(change):
    network = network_of(replace(CONVOLUTION, **change))
    network.choose_thresholds()
    network.settle([IMAGES[:40], IMAGES[40:]])
    integers = network.integers()
    activity = network(IMAGES)
    outcome = integers.decide(IMAGES)
    last = integers.layers[-1]
    assert torch.equal(activity.output, (outcome.potential / last.threshold).float())
    assert outcome.events[:, 1:].sum() > 0


def test_reads_are_counted_by_what_a_spike_looks_up():
    network = network_of(replace(CONVOLUTION, window=1))
    network.settle([IMAGES])
    activity, outcome = network(IMAGES), network.integers().decide(IMAGES)
    # potentials count up to 1.5 where a spike is 1, and from 0 on where there is none
    thousands = outcome.reads[:, 1:].sum(dim=1) / 1000
    assert (activity.reads >= thousands - 1e-6).all()
    assert (activity.reads < 5 * thousands + 0.1).all()
    activity.reads.sum().backward()
    assert network.all_layers()[0].weight.grad.abs().sum() > 0


def test_settling_measures_all_images():
    network = network_of()
    network.choose_thresholds()
    network.settle([IMAGES[:16], IMAGES[16:]])
    again = network_of()
    again.choose_thresholds()
    again.settle([IMAGES])
    for one, other in zip(network.all_layers(), again.all_layers(), strict=True):
        torch.testing.assert_close(one.mean, other.mean)
        torch.testing.assert_close(one.variance, other.variance)
        assert one.settled


def test_only_the_most_useful_inputs_are_kept():
    network = network_of(replace(CONVOLUTION, maps=(), hidden=(9,)))
    network.choose_thresholds()
    first = network.all_layers()[0]
    with torch.no_grad():
        first.weight[5:60] = 0.0
    kept = network.useful_inputs(IMAGES, 6)
    assert set(kept.tolist()) <= {*range(5), *range(60, 64)}
    row = first.weight[kept[0]].detach().clone()
    network.keep_inputs(kept)
    assert network.encoder.pixels.tolist() == kept.tolist()
    assert torch.equal(first.weight[0], row)
    assert network(IMAGES).output.shape == (64, 3)


def test_a_kernel_larger_than_its_map_is_refused():
    with pytest.raises(InputError) as error:
        network_of(replace(CONVOLUTION, maps=(4, 4), kernel=(3, 5), padding=(0, 0)))
    assert str(error.value) == (
        "--kernel: 5 is larger than the map it moves over, 3 x 3 with a padding of 0; "
        "take 3 or less, or fewer --maps."
    )
