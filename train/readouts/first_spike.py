"""The first output spike is the answer: twin of :mod:`sim.readouts.first_spike`."""

import torch

from train.readouts.verdict import Outputs, Verdicts


def decide(outputs: Outputs) -> Verdicts:
    """Return how a batch ends: at its first output spike, or timed out.

    The highest potential wins, then the lowest index; between grid points no two outputs fire at
    one time.
    """
    first = outputs.time.amin(dim=1)
    if outputs.on_grid:
        first = first.ceil()
    timed_out = ~(first <= outputs.last_tick)
    tick = first.clamp_max(outputs.last_tick)

    decision = outputs.potential(tick).argmax(dim=1)
    if not outputs.on_grid:
        # rounding may move the potential of the output that fires off zero
        decision = torch.where(timed_out, decision, outputs.time.argmin(dim=1))
    return Verdicts(decision, tick, timed_out)
