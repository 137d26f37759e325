"""All images go through the machine, and the bar counts every one of them."""

from contextlib import nullcontext

import numpy as np
import pytest

from random_networks import random_images, random_network
from sim import batch
from sim.commands.decide import decide
from sim.errors import InputError

NETWORK = random_network(11)


class Bar:
    """Counts in place of a bar on a terminal."""

    def __init__(self):
        self.total, self.steps = None, []

    def add_task(self, description, total):
        self.total = total
        return 7

    def advance(self, task, count):
        assert task == 7
        self.steps.append(count)


def test_the_bar_ends_where_the_images_do(monkeypatch):
    bar = Bar()
    monkeypatch.setattr("sim.commands.decide.progress_bar", lambda: nullcontext(bar))
    count = 2 * batch.CHUNK + 3
    images = random_images(NETWORK, count, 1)
    found, expected = decide(NETWORK, images), batch.run(NETWORK, images)
    assert bar.total == sum(bar.steps) == count
    assert bar.steps == [batch.CHUNK, batch.CHUNK, 3]
    for name, values in vars(expected).items():
        np.testing.assert_array_equal(getattr(found, name), values)


def test_other_images_are_refused():
    with pytest.raises(InputError, match="images: must be uint8"):
        decide(NETWORK, np.zeros((1, 2, 2)))
