"""The first output spike is the answer: order and ties of a decision, stated once."""

import numpy as np
import numpy.typing as npt


def decide(potential: npt.NDArray[np.int64]) -> int | None:
    """Return the class whose output fires at this tick, or None when none does.

    :param potential: int64 (classes,), the output layer's after this tick's advance.

    Of several outputs with potential >= 0 the highest potential wins, then the lowest index.
    """
    winner = highest(potential)
    return winner if potential[winner] >= 0 else None


def highest(potential: npt.NDArray[np.int64]) -> int:
    """Return the class with the highest potential, then the lowest index: the decision after a
    timeout.
    """
    return int(np.argmax(potential))
