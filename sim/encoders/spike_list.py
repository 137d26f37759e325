"""Input spikes of many samples: what every encoder gives the compiled machine."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class SpikeList(NamedTuple):
    """Input spikes of n samples; in each by tick, then by input.

    :param tick: int32 (spikes,).
    :param input: int32 (spikes,).
    :param start: int64 (n + 1,), where each sample begins, and the end of the last one.
    """

    tick: npt.NDArray[np.int32]
    input: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
