"""What ``run`` and ``report`` do first: all images through the integer machine, with a bar."""

from typing import Any

import numpy.typing as npt

from sim import batch
from sim.console import progress_bar
from sim.network import Network


def decide(network: Network, images: npt.NDArray[Any]) -> batch.Decisions:
    """Return the network's decisions on images uint8 (n, height, width).

    :raises InputError: they are of another type or shape.
    """
    with progress_bar() as bar:
        task = bar.add_task("integer machine", total=len(images))
        return batch.run(network, images, lambda count: bar.advance(task, count))
