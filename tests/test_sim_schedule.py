"""The course of learning: what is drawn, and how much is skipped, is the same on host and board."""

import numpy as np
import pytest

from lesson_networks import HIDDEN, OUTPUT, machine
from sim.errors import InputError
from sim.learning.schedule import check_skip, default_rule, draws, first_state, skipping
from sim.learning.supervised import Rule


def test_the_rule_is_measured_by_the_network():
    """R is 2 and the hidden threshold is 4: 3/4 of the one, 1/4 of the other, rounded down."""
    assert default_rule(machine(HIDDEN, OUTPUT)) == Rule(margin=1, reach=1)


def test_every_seed_begins_at_a_state_of_its_own():
    states = [first_state(seed) for seed in range(1000)]
    assert states[:2] == [0x9E3779B9, 0xDAA66D2B]
    assert len(set(states)) == 1000
    assert all(0 < state < 1 << 32 for state in states)


def test_an_epoch_is_drawn_from_its_number_alone():
    orders = [draws(seed, epoch).permutation(50).tolist() for seed, epoch in ((1, 2), (1, 2))]
    assert orders[0] == orders[1]
    others = [draws(seed, epoch).permutation(50).tolist() for seed, epoch in ((1, 3), (2, 2))]
    assert orders[0] not in others


def test_skipping_grows_in_a_line_from_first_to_last():
    values = np.concatenate([skipping((0, 230), epoch, 4, 100) for epoch in (1, 2, 3, 4)])
    assert (values[0], values[-1], len(values)) == (0, 230, 400)
    assert set(np.diff(values)) == {0, 1}


def test_every_level_is_kept_equally_long():
    assert skipping((3, 5), 1, 2, 6).tolist() == [3, 3, 3, 3, 4, 4]
    assert skipping((3, 5), 2, 2, 6).tolist() == [4, 4, 5, 5, 5, 5]
    assert skipping((7, 7), 1, 1, 3).tolist() == [7, 7, 7]


@pytest.mark.parametrize("ends", [(-1, 0), (9, 8), (0, 256)])
def test_ends_out_of_range_are_refused(ends):
    check_skip(0, 0)
    check_skip(0, 255)
    with pytest.raises(InputError, match=r"--skip: must be two numbers in 0\.\.255, the first not"):
        check_skip(*ends)
