"""How good a network is on a part of a data set: accuracy and cost, on the machine itself."""

from train.data import Part
from train.parallel import ALONE, Processes
from train.pipeline import SpikingNetwork

EVALUATION_BATCH = 500
"""Images decided at a time."""


def evaluate(network: SpikingNetwork, part: Part, processes: Processes = ALONE) -> dict[str, float]:
    """Return accuracy, spikes per decision, hidden spikes among them and share of timeouts."""
    correct = spikes = hidden = timeouts = 0
    share = processes.share(len(part))
    for start in range(share.start, share.stop, EVALUATION_BATCH):
        chosen = slice(start, min(start + EVALUATION_BATCH, share.stop))
        outcome = network.decide(part.images[chosen].to(processes.device))
        correct += int((outcome.decision.cpu() == part.labels[chosen]).sum())
        hidden += int(outcome.events[:, 1:].sum())
        spikes += int(outcome.events.sum()) + int((~outcome.timed_out).sum())
        timeouts += int(outcome.timed_out.sum())

    correct, spikes, hidden, timeouts = processes.add((correct, spikes, hidden, timeouts))
    count = len(part)
    return {
        "accuracy": correct / count,
        "spikes": spikes / count,
        "hidden_spikes": hidden / count,
        "timeouts": timeouts / count,
    }
