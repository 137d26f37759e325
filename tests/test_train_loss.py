"""Every term of the loss against a hand-made batch."""

import math
from dataclasses import replace

import pytest
import torch

from train.exact.layer import Times
from train.exact.loss import cosine, loss, spike_ramp
from train.settings import TrainSettings

PLAIN = TrainSettings(
    ticks_per_unit=8, last_tick=24, sharpness=2.0, spike_cost=0.0, late_cost=0.0, deadline=1.0
)
"""The cross-entropy alone."""

HIDDEN = torch.tensor([[3.0, 9.0, 40.0], [1.0, math.inf, 5.0]], dtype=torch.float64)
OUTPUT = torch.tensor([[4.0, 12.0], [20.0, 11.5]], dtype=torch.float64)
LABELS = torch.tensor([0, 0])
WEIGHTS = [torch.tensor([[0.5, -1.0], [0.7, 0.2]])]
"""The weights of the first neuron sum to 1.2, those of the second to -0.8."""


def value(settings, ramp=1.0):
    return float(loss(Times([HIDDEN], OUTPUT), LABELS, WEIGHTS, settings, ramp))


def test_the_right_output_should_fire_first():
    """In units of z the outputs differ by 1 and by 17/16; the first image is right, the second
    wrong.
    """
    expected = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(17 / 8))) / 2
    assert value(PLAIN) == pytest.approx(expected)


def test_only_what_is_after_the_deadline_is_late():
    """The right outputs fire at 0.5 and 2.5."""
    late = value(replace(PLAIN, late_cost=0.2)) - value(PLAIN)
    assert late == pytest.approx(0.2 * 1.5 / 2)


def test_each_further_hidden_layer_makes_a_timeout_dearer():
    """The right outputs fire at 0.5 and 2.5, and the last tick is at 2."""
    settings = replace(PLAIN, late_cost=0.2, last_tick=16)
    for hidden, expected in ((0, 1.5), (1, 1.5), (2, 1.5 + 2 * 0.5), (3, 1.5 + 4 * 0.5)):
        times = Times([HIDDEN] * hidden, OUTPUT)
        costs = [
            float(loss(times, LABELS, WEIGHTS, replace(settings, late_cost=cost), 1.0))
            for cost in (0.2, 0.0)
        ]
        assert costs[0] - costs[1] == pytest.approx(0.2 * expected / 2)


def test_spikes_before_the_decision_cost_softly():
    """The machine decides at ticks 4 and 12: an output's tick is rounded up."""
    settings = replace(PLAIN, spike_cost=0.01, softness=0.5)

    def soft(ticks):
        return 1 / (1 + math.exp(-ticks / 4))

    counts = soft(1) + soft(-5) + soft(-36), soft(11) + soft(7)
    cost = value(settings) - value(PLAIN)
    assert cost == pytest.approx(0.01 * sum(counts) / 2)
    assert value(settings, ramp=0.25) - value(PLAIN) == pytest.approx(cost / 4)
    assert value(settings, ramp=0.0) == value(PLAIN)


def test_spikes_cost_what_they_are_said_to():
    settings = replace(PLAIN, spike_cost=0.01, softness=0.5)
    costs = [torch.tensor([2.0, 0.0, 3.0])]
    found = loss(Times([HIDDEN], OUTPUT), LABELS, WEIGHTS, settings, 1.0, costs)

    def soft(ticks):
        return 1 / (1 + math.exp(-ticks / 4))

    expected = 2 * (soft(1) + soft(11)) + 3 * (soft(-36) + soft(7))
    assert float(found) - value(PLAIN) == pytest.approx(0.01 * expected / 2)


def test_a_decision_after_the_last_tick_counts_as_made_there():
    """Counted softly, hidden spikes after the last tick would cost more the later the outputs."""
    settings = replace(PLAIN, spike_cost=0.01, softness=2.0)
    late, later = (
        float(loss(Times([HIDDEN], OUTPUT + by), LABELS, WEIGHTS, settings, 1.0))
        - float(loss(Times([], OUTPUT + by), LABELS, WEIGHTS, settings, 1.0))
        for by in (20.5, 100.0)
    )
    assert late > 0
    assert late == pytest.approx(later, rel=1e-9)


def test_weights_too_small_for_a_neuron_to_fire_cost():
    alive = value(replace(PLAIN, alive_cost=0.05)) - value(PLAIN)
    assert alive == pytest.approx(0.05 * 1.8)


def test_weights_of_a_kernel_are_summed_over_all_its_inputs():
    kernel = WEIGHTS[0].view(1, 2, 1, 2)
    settings = replace(PLAIN, alive_cost=0.05)
    found = loss(Times([HIDDEN], OUTPUT), LABELS, [kernel], settings, 1.0)
    assert float(found) == pytest.approx(value(settings))


def test_spikes_and_times_have_a_gradient():
    hidden, output = HIDDEN.clone().requires_grad_(), OUTPUT.clone().requires_grad_()
    settings = replace(PLAIN, spike_cost=0.01)
    loss(Times([hidden], output), LABELS, WEIGHTS, settings, 1.0).backward()
    assert (hidden.grad[0] < 0).all(), "a later spike costs less"
    assert (output.grad[:, 0] > 0).all()
    assert (output.grad[:, 1] < 0).all()


@pytest.mark.parametrize(
    ("progress", "ramp", "rate"), [(0, 0, 1), (1 / 6, 0.5, 0.9330127), (1 / 2, 1, 0.5), (1, 1, 0)]
)
def test_the_course_of_training(progress, ramp, rate):
    assert spike_ramp(progress) == pytest.approx(ramp)
    assert cosine(progress) == pytest.approx(rate)
