"""A training run of the window code: like :class:`train.fit.Training`, one process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from train.checkpoint import FORMATS, kept_pixels
from train.data import Split
from train.fit import PRUNING
from train.parallel import ALONE, Processes
from train.prune import silenced
from train.single import SingleTraining
from train.window.integers import IntegerNetwork
from train.window.network import WindowNetwork, new_network
from train.window.settings import WindowSettings

SETTLING_IMAGES, SETTLING_BATCH = 5000, 500
"""Images on which statistics are measured for good."""


class WindowTraining(SingleTraining[WindowNetwork, WindowSettings]):
    """A training run; it can stop after any epoch and go on from its checkpoint.

    :param split: what to learn from; its test part is not touched.
    :param settings: what decides the result.
    :param processes: must be one.
    :raises InputError: there are several processes, or a kernel is larger than its map.
    """

    form = FORMATS[1]

    def __init__(self, split: Split, settings: WindowSettings, processes: Processes = ALONE):
        super().__init__(split, settings, processes)

    def _new_network(self) -> WindowNetwork:
        height, width = self.split.train.images.shape[1:]
        classes = len(self.split.classes)
        network = new_network(self.settings, height, width, classes, self.generator)
        return network.to(self.processes.device)

    def run_epoch(self, tick: Callable[[], object] = lambda: None) -> dict[str, float]:
        """Train one epoch, validate, and return its row of the history; ``tick`` is called after
        each batch.
        """
        self.network.train()
        grids = self._warps()
        self._at_epoch_start(grids)
        loss = self._train(grids, tick)

        # the last epoch always ends on the machine's integers
        if self.epoch + 1 == self.settings.epochs:
            self._settle(grids)
        return self._validate(loss, self.network.integers())

    def _at_epoch_start(self, grids: Tensor | None) -> None:
        """Do what the course of training demands: input pixels, thresholds, settling."""
        settings = self.settings
        budget, due = settings.inputs, self.epoch == int(PRUNING * settings.epochs)
        if budget and due and budget < self.network.encoder.inputs:
            self._keep_inputs(self.network.useful_inputs(self.split.train.images, budget))

        if self.epoch >= settings.epochs - round(settings.settled * settings.epochs):
            self._settle(grids)
        if not self.settled:
            self.network.choose_thresholds()

    @property
    def settled(self) -> bool:
        """Whether the network computes on the machine's integers already."""
        return all(layer.settled for layer in self.network.all_layers())

    def _settle(self, grids: Tensor | None) -> None:
        """Settle the network, unless it is."""
        if not self.settled:
            self.network.settle(self._settling_images(grids))

    def _settling_images(self, grids: Tensor | None) -> Iterator[Tensor]:
        order = torch.randperm(len(self.split.train), generator=self.generator)
        for chosen in order[:SETTLING_IMAGES].split(SETTLING_BATCH):
            yield self._images(chosen, grids)

    def _keep_inputs(self, inputs: Tensor) -> None:
        self.network.keep_inputs(inputs)
        self.optimizer = self._optimizer()

    def _images(self, chosen: Tensor, grids: Tensor | None) -> Tensor:
        """Return the images ``chosen``, warped and mirrored as the settings say."""
        images = super()._images(chosen, grids)
        if self.settings.mirror:
            turned = torch.rand(chosen.shape, generator=self.generator) < self.settings.mirror
            turned = turned.to(images.device).view(-1, 1, 1)
            images = torch.where(turned, images.flip(2), images)
        return images

    def _loss(self, chosen: Tensor, grids: Tensor | None, ramp: float) -> Tensor:
        """Return the loss of the images ``chosen``."""
        settings = self.settings
        labels = self.split.train.labels[chosen].to(self.processes.device)
        activity = self.network(self._images(chosen, grids))
        wrong = functional.cross_entropy(
            activity.output, labels, label_smoothing=settings.smoothing
        )
        return wrong + settings.spike_cost * ramp * activity.reads.mean()

    def result(self) -> IntegerNetwork:
        """Return the trained network as the machine runs it."""
        network = self.network.integers()
        quiet = silenced(network.encoder, self.settings.max_silent_intensity)
        return network.with_encoder(quiet)

    def _state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {**super()._state(), "pixels": torch.tensor(self.network.encoder.pixels)}

    def _take_shape(self, path: Path, state: dict[str, Any]) -> None:
        """Give the network the inputs that it has in a checkpoint: a run that was pruned has fewer
        weights, and an optimiser of its own.

        :raises InputError: it cannot have these.
        """
        inputs, budget = self.network.encoder.inputs, self.settings.inputs
        kept = kept_pixels(path, state.get("pixels"), inputs, budget)
        if kept is not None:
            self._keep_inputs(kept)
