"""A training run of leaky neurons: like :class:`train.fit.Training`, one process."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sim.errors import InputError
from train.checkpoint import (
    FORMATS,
    check_data,
    check_history,
    check_same,
    check_state,
    optimizer_state,
    read_checkpoint,
    restore_optimizer,
    saved_values,
    write_checkpoint,
)
from train.data import Split, Warp, batches, warp
from train.evaluate import evaluate
from train.exact.loss import cosine
from train.fit import batch_size, check_converges, steps_per_epoch, warm_up
from train.parallel import ALONE, Processes
from train.prune import silenced
from train.surrogate.loss import LOSSES, Sharpness, deciding
from train.surrogate.network import Activity, LeakyNetwork, new_network
from train.surrogate.settings import LeakySettings

FORMAT = FORMATS[2]

COUNTED_IMAGES = 1000
"""Images on which input events are counted for the first weights."""

COST_RAMP = 0.3
"""Share of training over which the spike cost rises to its full value."""


class LeakyTraining:
    """A training run; it can stop after any epoch and go on from its checkpoint.

    :param split: what to learn from; its test part is not touched.
    :param settings: what decides the result.
    :param processes: must be one.
    :raises InputError: there are several processes.

    ``history`` has one dict per epoch: epoch, loss, and the figures of :mod:`train.evaluate` on
    validation images, always of the machine's integers.
    """

    def __init__(self, split: Split, settings: LeakySettings, processes: Processes = ALONE):
        if processes.count > 1:
            raise InputError(
                "torchrun: --neuron leaky is trained by one process; start it without torchrun."
            )
        self.split, self.settings, self.processes = split, settings, processes
        self.generator = torch.Generator().manual_seed(settings.seed)
        height, width = split.train.images.shape[1:]
        some = split.train.images[:COUNTED_IMAGES]
        self.network = new_network(
            settings, (height, width), len(split.classes), some, self.generator
        )
        self.optimizer = torch.optim.Adam(self.network.parameters(), betas=(0.9, 0.99), fused=True)
        self.history: list[dict[str, float]] = []

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    def run_epoch(self, tick: Callable[[], object] = lambda: None) -> dict[str, float]:
        """Train one epoch, validate, and return its row of the history; ``tick`` is called after
        each batch.
        """
        settings, part = self.settings, self.split.train
        grids = self._warps()
        due = self.epoch >= round(settings.real_share * settings.epochs)
        if due and not self.network.rounds:
            self.network.round_from_now_on()

        losses: list[float] = []
        steps, size = steps_per_epoch(part, settings.batch), batch_size(part, settings.batch)
        for step, chosen in enumerate(batches(len(part), size, self.generator)):
            progress = (self.epoch + step / steps) / settings.epochs
            warm = warm_up(self.epoch * steps + step, settings.epochs * steps)
            losses.append(self._step(chosen, grids, progress, warm))
            tick()

        if not self.network.rounds:
            self.network.choose_thresholds()
        row = {"epoch": self.epoch + 1, "loss": sum(losses) / len(losses)}
        found = evaluate(self.network, self.split.validation, self.processes)
        self.history.append(row | found)
        return self.history[-1]

    def _warps(self) -> Tensor | None:
        """Draw the warps of an epoch."""
        if not self.settings.warp:
            return None
        height, width = self.split.train.images.shape[1:]
        return Warp().scaled(self.settings.warp).grids(height, width, self.generator)

    def _images(self, chosen: Tensor, grids: Tensor | None) -> Tensor:
        """Return the images ``chosen``, warped as the settings say."""
        images = self.split.train.images[chosen]
        if grids is None:
            return images
        drawn = torch.randint(len(grids), chosen.shape, generator=self.generator)
        return warp(images, grids[drawn])

    def _step(self, chosen: Tensor, grids: Tensor | None, progress: float, warm: float) -> float:
        """Train on the images ``chosen``; return the loss."""
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate * cosine(progress) * warm

        labels = self.split.train.labels[chosen]
        activity = self.network(self._images(chosen, grids))
        sharpness = Sharpness(settings.level_sharpness, settings.rival_sharpness)
        wrong = LOSSES[settings.loss_name()](activity.outputs, labels, sharpness)
        ramp = min(1.0, progress / COST_RAMP)
        cost = settings.spike_cost * ramp * self._spikes(activity, sharpness)
        total = (wrong + cost).mean()
        self.optimizer.zero_grad()
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), settings.gradient_limit)
        check_converges(float(norm))
        self.optimizer.step()
        return float(total.detach())

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
            self.network.encoder = replace(quiet)
        return self.network

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
            "network": dict(self.network.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def restore(self, path: Path) -> None:
        """Go on with a run from its checkpoint.

        :raises InputError: the file is damaged, or of a run with other settings or data.
        """
        state = read_checkpoint(path)
        check_same(path, LeakySettings.from_json(saved_values(path, state)), self.settings)
        check_data(path, state.get("data"), self.split.digest)
        check_history(path, state.get("history"), self.settings.epochs)

        stepped = bool(state["history"])
        wanted = {**self._state(), "optimizer": optimizer_state(self.optimizer, stepped)}
        check_state(path, state, wanted)
        self.network.load_state_dict(state["network"])
        restore_optimizer(path, self.optimizer, self.generator, state)
        self.history = state["history"]
