"""A training run of the window code: like :class:`train.fit.Training`, one process."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sim.errors import InputError
from train.checkpoint import (
    FORMATS,
    check_data,
    check_history,
    check_same,
    check_state,
    kept_pixels,
    optimizer_state,
    read_checkpoint,
    restore_optimizer,
    saved_values,
    write_checkpoint,
)
from train.data import Split, Warp, batches, warp
from train.evaluate import evaluate
from train.exact.loss import cosine
from train.fit import PRUNING, batch_size, check_converges, steps_per_epoch, warm_up
from train.parallel import ALONE, Processes
from train.prune import silenced
from train.window.integers import IntegerNetwork
from train.window.network import new_network
from train.window.settings import WindowSettings

FORMAT = FORMATS[1]

SETTLING_IMAGES, SETTLING_BATCH = 5000, 500
"""Images on which statistics are measured for good."""

COST_RAMP = 0.3
"""Share of training over which the spike cost rises to its full value."""


class WindowTraining:
    """A training run; it can stop after any epoch and go on from its checkpoint.

    :param split: what to learn from; its test part is not touched.
    :param settings: what decides the result.
    :param processes: must be one.
    :raises InputError: there are several processes, or a kernel is larger than its map.

    ``history`` has one dict per epoch: epoch, loss, and the figures of :mod:`train.evaluate` on
    validation images.
    """

    def __init__(self, split: Split, settings: WindowSettings, processes: Processes = ALONE):
        if processes.count > 1:
            raise InputError(
                "torchrun: --neuron window is trained by one process; start it without torchrun."
            )
        self.split, self.settings, self.processes = split, settings, processes
        self.generator = torch.Generator().manual_seed(settings.seed)
        height, width = split.train.images.shape[1:]
        self.network = new_network(settings, height, width, len(split.classes), self.generator).to(
            processes.device
        )
        self.optimizer = self._optimizer()
        self.history: list[dict[str, float]] = []

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    def _optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), betas=(0.9, 0.99), fused=True)

    def run_epoch(self, tick: Callable[[], object] = lambda: None) -> dict[str, float]:
        """Train one epoch, validate, and return its row of the history; ``tick`` is called after
        each batch.
        """
        settings, part = self.settings, self.split.train
        self.network.train()
        grids = self._warps()
        self._at_epoch_start(grids)

        # one number of progress, 0..1 over all epochs, drives the rate and the spike cost
        losses: list[float] = []
        steps, size = steps_per_epoch(part, settings.batch), batch_size(part, settings.batch)
        for step, chosen in enumerate(batches(len(part), size, self.generator)):
            progress = (self.epoch + step / steps) / settings.epochs
            warm = warm_up(self.epoch * steps + step, settings.epochs * steps)
            losses.append(self._step(chosen, grids, progress, warm))
            tick()

        # the last epoch always ends on the machine's integers
        if self.epoch + 1 == settings.epochs:
            self._settle(grids)
        row = {"epoch": self.epoch + 1, "loss": sum(losses) / len(losses)}
        found = evaluate(self.network.integers(), self.split.validation, self.processes)
        self.history.append(row | found)
        return self.history[-1]

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

    def _warps(self) -> Tensor | None:
        """Draw the warps of an epoch."""
        if not self.settings.warp:
            return None
        height, width = self.split.train.images.shape[1:]
        warps = Warp().scaled(self.settings.warp)
        return warps.grids(height, width, self.generator).to(self.processes.device)

    def _images(self, chosen: Tensor, grids: Tensor | None) -> Tensor:
        """Return the images ``chosen``, warped and mirrored as the settings say."""
        images = self.split.train.images[chosen].to(self.processes.device)
        if grids is not None:
            drawn = torch.randint(len(grids), chosen.shape, generator=self.generator)
            images = warp(images, grids[drawn])
        if self.settings.mirror:
            turned = torch.rand(chosen.shape, generator=self.generator) < self.settings.mirror
            turned = turned.to(images.device).view(-1, 1, 1)
            images = torch.where(turned, images.flip(2), images)
        return images

    def _step(self, chosen: Tensor, grids: Tensor | None, progress: float, warm: float) -> float:
        """Train on the images ``chosen``; return the loss."""
        settings = self.settings
        rate = settings.learning_rate * cosine(progress) * warm
        for group in self.optimizer.param_groups:
            group["lr"] = rate

        labels = self.split.train.labels[chosen].to(self.processes.device)
        activity = self.network(self._images(chosen, grids))
        wrong = functional.cross_entropy(
            activity.output, labels, label_smoothing=settings.smoothing
        )
        ramp = min(1.0, progress / COST_RAMP)
        total = wrong + settings.spike_cost * ramp * activity.reads.mean()
        self.optimizer.zero_grad()
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), settings.gradient_limit)
        check_converges(float(norm))
        self.optimizer.step()
        return float(total.detach())

    def result(self) -> IntegerNetwork:
        """Return the trained network as the machine runs it."""
        network = self.network.integers()
        quiet = silenced(network.encoder, self.settings.max_silent_intensity)
        return network.with_encoder(quiet)

    def check_alike(self) -> None:
        """Compare this run with those of other processes: there are none."""

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all.

        :raises InputError: it cannot be written.
        """
        write_checkpoint(self._state(), path)

    def _state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "format": FORMAT,
            "settings": json.dumps(self.settings.to_json()),
            "data": self.split.digest,
            "history": self.history,
            "pixels": torch.tensor(self.network.encoder.pixels),
            "network": dict(self.network.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def restore(self, path: Path) -> None:
        """Go on with a run from its checkpoint.

        :raises InputError: the file is damaged, or of a run with other settings or data.
        """
        state = read_checkpoint(path)
        check_same(path, WindowSettings.from_json(saved_values(path, state)), self.settings)
        check_data(path, state.get("data"), self.split.digest)
        check_history(path, state.get("history"), self.settings.epochs)

        # a run that was pruned has fewer weights, and an optimiser of its own
        inputs, budget = self.network.encoder.inputs, self.settings.inputs
        kept = kept_pixels(path, state.get("pixels"), inputs, budget)
        if kept is not None:
            self._keep_inputs(kept)
        stepped = bool(state["history"])
        wanted = {**self._state(), "optimizer": optimizer_state(self.optimizer, stepped)}
        check_state(path, state, wanted)

        self.network.load_state_dict(state["network"])
        restore_optimizer(path, self.optimizer, self.generator, state)
        self.history = state["history"]
