"""A training run of leaky neurons: like :class:`train.fit.Training`, one process."""

from collections.abc import Callable

import torch
from torch import Tensor

from train.checkpoint import FORMATS
from train.data import Split
from train.parallel import ALONE, Processes
from train.prune import silenced
from train.single import SingleTraining
from train.surrogate.loss import LOSSES, Sharpness, deciding
from train.surrogate.network import Activity, LeakyNetwork, new_network
from train.surrogate.settings import LeakySettings

COUNTED_IMAGES = 1000
"""Images on which input events are counted for the first weights."""


class LeakyTraining(SingleTraining[LeakyNetwork, LeakySettings]):
    """A training run; it can stop after any epoch and go on from its checkpoint. All figures of its
    history are those of the machine's integers.

    :param split: what to learn from; its test part is not touched.
    :param settings: what decides the result.
    :param processes: must be one.
    :raises InputError: there are several processes.
    """

    form = FORMATS[2]

    def __init__(self, split: Split, settings: LeakySettings, processes: Processes = ALONE):
        super().__init__(split, settings, processes)

    def _new_network(self) -> LeakyNetwork:
        height, width = self.split.train.images.shape[1:]
        some = self.split.train.images[:COUNTED_IMAGES]
        classes = len(self.split.classes)
        return new_network(self.settings, (height, width), classes, some, self.generator)

    def run_epoch(self, tick: Callable[[], object] = lambda: None) -> dict[str, float]:
        """Train one epoch, validate, and return its row of the history; ``tick`` is called after
        each batch.
        """
        grids = self._warps()
        due = self.epoch >= round(self.settings.real_share * self.settings.epochs)
        if due and not self.network.rounds:
            self.network.round_from_now_on()

        loss = self._train(grids, tick)
        if not self.network.rounds:
            self.network.choose_thresholds()
        return self._validate(loss, self.network)

    def _loss(self, chosen: Tensor, grids: Tensor | None, ramp: float) -> Tensor:
        """Return the loss of the images ``chosen``."""
        settings = self.settings
        activity = self.network(self._images(chosen, grids))
        sharpness = Sharpness(settings.level_sharpness, settings.rival_sharpness)
        labels = self.split.train.labels[chosen]
        wrong = LOSSES[settings.loss_name()](activity.outputs, labels, sharpness)
        return (wrong + settings.spike_cost * ramp * self._spikes(activity, sharpness)).mean()

    def _spikes(self, activity: Activity, sharpness: Sharpness) -> Tensor:
        """Return the number of hidden spikes (batch,) that are delivered: those before the
        decision, as far as it comes early.
        """
        total = torch.zeros(len(activity.outputs.potential))
        alive = torch.ones(activity.outputs.potential.shape[:2])
        if self.settings.readout == "first_spike":
            end, before = deciding(activity.outputs.potential.detach(), sharpness)
            alive = (before + torch.log1p(-end.exp().clamp(max=1 - 1e-6))).exp()
        for spikes in activity.hidden:
            total = total + (spikes.sum(dim=2) * alive).sum(dim=1)
        return total

    def result(self) -> LeakyNetwork:
        """Return the trained network as the machine runs it."""
        quiet = silenced(self.network.encoder, self.settings.max_silent_intensity)
        if quiet is not self.network.encoder:
            self.network.encoder = quiet
        return self.network
