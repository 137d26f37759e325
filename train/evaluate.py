"""How good a network is on a part of a data set: accuracy and cost, on the machine itself."""

from typing import Protocol

from torch import Tensor

from train.data import Part
from train.parallel import ALONE, Processes
from train.pipeline import Outcome

EVALUATION_BATCH = 500
"""Images decided at a time."""


class Decider(Protocol):
    """A trained network of any kind."""

    def decide(self, images: Tensor) -> Outcome:
        """Return what the integer machine answers for images uint8 (batch, height, width)."""
        ...


def evaluate(network: Decider, part: Part, processes: Processes = ALONE) -> dict[str, float]:
    """Return accuracy, spikes per decision, hidden spikes among them, share of timeouts, and
    weights looked up per decision.
    """
    correct = spikes = hidden = timeouts = reads = 0
    share = processes.share(len(part))
    for start in range(share.start, share.stop, EVALUATION_BATCH):
        chosen = slice(start, min(start + EVALUATION_BATCH, share.stop))
        outcome = network.decide(part.images[chosen].to(processes.device))
        correct += int((outcome.decision.cpu() == part.labels[chosen]).sum())
        hidden += int(outcome.events[:, 1:].sum())
        spikes += int(outcome.events.sum()) + int((~outcome.timed_out).sum())
        timeouts += int(outcome.timed_out.sum())
        reads += int(outcome.reads.sum())

    counts = processes.add((correct, spikes, hidden, timeouts, reads))
    correct, spikes, hidden, timeouts, reads = counts
    count = len(part)
    return {
        "accuracy": correct / count,
        "spikes": spikes / count,
        "hidden_spikes": hidden / count,
        "timeouts": timeouts / count,
        "reads": reads / count,
    }
