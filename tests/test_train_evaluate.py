"""Accuracy and cost are those of the machine, whoever counts them."""

from dataclasses import replace

import pytest

from sim import batch
from small_training import SMALL, YIN_YANG
from train.data import Part
from train.evaluate import EVALUATION_BATCH, evaluate
from train.fit import Training
from train.parallel import ALONE, Processes

NETWORK = Training(SMALL, replace(YIN_YANG, alive_share=0.6)).network
PART = SMALL.train


def test_figures_are_the_integer_machines():
    assert len(PART) > 2 * EVALUATION_BATCH, "several batches, the last one not full"
    machine = NETWORK.to_network(SMALL.classes, {})
    found = batch.run(machine, PART.images.numpy())
    timeouts, hidden = found.timed_out.sum(), found.events[:, 1:].sum()
    assert hidden > 0
    assert evaluate(NETWORK, PART) == {
        "accuracy": (found.decision == PART.labels.numpy()).mean(),
        "spikes": (found.events.sum() + len(PART) - timeouts) / len(PART),
        "hidden_spikes": hidden / len(PART),
        "timeouts": timeouts / len(PART),
        "reads": found.reads.sum() / len(PART),
    }


class Counted(Processes):
    """One of several processes that never meet; it notes what they would add."""

    def add(self, counts):
        object.__setattr__(self, "counts", list(counts))
        return self.counts


def test_the_shares_of_all_processes_add_up():
    alone = Counted(0, 1, ALONE.device)
    evaluate(NETWORK, PART, alone)
    shares = [Counted(rank, 3, ALONE.device) for rank in range(3)]
    for each in shares:
        evaluate(NETWORK, PART, each)
    totals = [sum(column) for column in zip(*(each.counts for each in shares), strict=True)]
    assert totals == alone.counts
    assert len({tuple(each.counts) for each in shares}) == 3


@pytest.mark.parametrize("wrong", [0, 1])
def test_accuracy_is_the_share_of_right_decisions(wrong):
    images = PART.images[:10]
    labels = (NETWORK.decide(images).decision + wrong) % 3
    assert evaluate(NETWORK, Part(images, labels))["accuracy"] == 1 - wrong
