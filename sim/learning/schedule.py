"""What is learnt in which order, and how much of it: the course of a run of learning in place, on a
host or a board.
"""

import numpy as np
import numpy.typing as npt

from sim.errors import InputError
from sim.learning.supervised import SKIP_LEVELS, Rule
from sim.network import Network


def default_rule(network: Network) -> Rule:
    """Return the constants for a network: a margin of 3/4 time constant, a reach of 1/4 of the
    hidden threshold.
    """
    return Rule(3 * network.ticks_per_unit // 4, network.layers[0].threshold // 4)


def first_state(seed: int) -> int:
    """Return the generator's state at the start of a run."""
    return 0x9E3779B9 * (2 * seed + 1) & 0xFFFFFFFF


def draws(seed: int, epoch: int) -> np.random.Generator:
    """Return what an epoch (the first is 1) is drawn from: first its order, then what changes its
    images.
    """
    return np.random.default_rng([seed, epoch])


def check_skip(first: int, last: int) -> None:
    """Check the ends of :func:`skipping`.

    :raises InputError: one is out of range, or the first is above the second.
    """
    if not 0 <= first <= last < SKIP_LEVELS:
        raise InputError(
            f"--skip: must be two numbers in 0..{SKIP_LEVELS - 1}, the first not above the second."
        )


def skipping(skip: tuple[int, int], epoch: int, epochs: int, count: int) -> npt.NDArray[np.int64]:
    """Return ``skip`` of :mod:`sim.learning.supervised` for each of ``count`` images of an epoch
    (the first is 1), int64 (count,).

    It grows linearly over all epochs, from the first of ``skip`` to the second.
    """
    first, last = skip
    done = np.arange((epoch - 1) * count, epoch * count, dtype=np.int64)
    return first + (last + 1 - first) * done // (epochs * count)
