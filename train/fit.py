"""The training loop: epochs, validation, and checkpoints, from which an interrupted run ends with
the same result.
"""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from sim.console import progress_bar
from sim.errors import InputError
from train.checkpoint import (
    FORMATS,
    AnySettings,
    check_data,
    check_history,
    check_same,
    check_state,
    check_thresholds,
    kept_pixels,
    optimizer_state,
    read_checkpoint,
    restore_optimizer,
    saved_values,
    write_checkpoint,
)
from train.connections.convolution import convolutions
from train.data import Part, Split, Warp, batches, warp
from train.encoders.intensity import InputSpikes
from train.evaluate import EVALUATION_BATCH, evaluate
from train.exact.loss import cosine, loss, spike_ramp
from train.parallel import ALONE, Processes
from train.pipeline import SpikingNetwork
from train.prune import keep_inputs, silence, useful_inputs
from train.settings import TrainSettings

FORMAT = FORMATS[0]

WARM_UP_STEPS, WARM_UP = 200, 1 / 10
"""Steps over which the learning rate rises at the start, and the share of training that they are at
most.
"""

LEAST_STEPS = 16
"""Steps of an epoch: of little data, each is of fewer images."""

SETTLED = 1 / 3
"""Share of training after which thresholds are no longer fitted to the weights: the rest trains on
a fixed grid.
"""

WAKING = 1 / 2
"""Share of training in which silent neurons are woken before each epoch."""

PRUNING = 1 / 2
"""Share of training after which the least useful input pixels go; the rest trains without them."""


class AnyTraining(Protocol):
    """A training run of any kind, as :func:`run` sees it; :class:`Training` says more."""

    history: list[dict[str, float]]

    @property
    def settings(self) -> AnySettings:
        """What decides the result."""
        ...

    @property
    def split(self) -> Split:
        """What it learns from."""
        ...

    @property
    def processes(self) -> Processes:
        """Those that train this network together."""
        ...

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        ...

    def run_epoch(self, tick: Callable[[], object] = ..., /) -> dict[str, float]:
        """Train one epoch, validate, and return its row of the history."""
        ...

    def check_alike(self) -> None:
        """Compare this run with those of the other processes."""
        ...

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        ...

    def restore(self, path: Path) -> None:
        """Go on with a run from its checkpoint."""
        ...


RunT = TypeVar("RunT", bound=AnyTraining)


class Training:
    """A training run; it can stop after any epoch and go on from its checkpoint.

    :param split: what to learn from; its test part is not touched.
    :param settings: what decides the result.
    :param processes: those that train this network together; each makes such a run of its own.
    :raises InputError: there are more processes than images in a batch.

    ``history`` has one dict per epoch: epoch, loss, accuracy (validation), spikes and hidden spikes
    per decision.
    """

    def __init__(self, split: Split, settings: TrainSettings, processes: Processes = ALONE) -> None:
        self.split, self.settings, self.processes = split, settings, processes
        images = batch_size(split.train, settings.batch)
        if self.processes.count > images:
            raise InputError(
                f"torchrun: {self.processes.count} processes cannot share a batch of {images} "
                "images; start fewer, or raise --batch."
            )

        self.generator = torch.Generator().manual_seed(settings.seed)
        height, width = split.train.images.shape[1:]
        shape = height // settings.pool, width // settings.pool, 1
        self.network = SpikingNetwork(
            settings.encoder(height, width),
            (*settings.hidden, len(split.classes)),
            settings.ticks_per_unit,
            settings.last_tick,
            settings.layer_bits(),
            settings.floor,
            maps=convolutions(shape, settings.maps, settings.geometry()),
            spikes=settings.spikes,
        )
        self.costs = self.network.read_costs(self.processes.device)

        sample = self.network.encode(split.train.images[:EVALUATION_BATCH])
        self.network.initialise(
            sample, self.generator, settings.alive_share, settings.expected_spikes
        )
        self.network.to(self.processes.device)
        self.optimizer = self._optimizer()
        self.history: list[dict[str, float]] = []

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    def _optimizer(self) -> torch.optim.Optimizer:
        rates = [1.0] + [self.settings.output_rate] * (len(self.network.weights) - 1)
        groups = [
            {"params": [weight], "rate": rate}
            for weight, rate in zip(self.network.weights, rates, strict=True)
        ]
        return torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)

    def run_epoch(self, tick: Callable[[], object] = lambda: None) -> dict[str, float]:
        """Train one epoch, validate, and return its row of the history; ``tick`` is called after
        each batch.
        """
        settings, part = self.settings, self.split.train
        self._at_epoch_start()
        grids = self._warps() if settings.warp else None

        # one number of progress, 0..1 over all epochs, drives the rate and the spike cost
        losses: list[float] = []
        steps, size = steps_per_epoch(part, settings.batch), batch_size(part, settings.batch)
        for step, chosen in enumerate(batches(len(part), size, self.generator)):
            progress = (self.epoch + step / steps) / settings.epochs
            losses.append(self._step(chosen, grids, progress, self.epoch * steps + step))
            tick()

        row = {"epoch": self.epoch + 1, "loss": sum(losses) / len(losses)}
        self.history.append(row | evaluate(self.network, self.split.validation, self.processes))
        return self.history[-1]

    def _at_epoch_start(self) -> None:
        """Do what the course of training demands: thresholds, silent neurons, input pixels.

        In this order: neurons are woken on the grid of the new thresholds, and what each input is
        worth is measured with all of them awake.
        """
        settings = self.settings
        if self.epoch <= SETTLED * settings.epochs:
            self.network.choose_thresholds()

        if settings.wake_share and self.epoch <= WAKING * settings.epochs:
            order = torch.randperm(len(self.split.train), generator=self.generator)
            sample = self.split.train.images[order[:EVALUATION_BATCH]].to(self.processes.device)
            self.network.wake(self.network.encode(sample), settings.wake_share)

        budget = settings.inputs
        due = self.epoch == int(PRUNING * settings.epochs)
        if budget and due and budget < self.network.encoder.inputs:
            self._keep_inputs(useful_inputs(self.network, self.split.train.images, budget))

    def _warps(self) -> Tensor:
        """Draw the warps of an epoch."""
        height, width = self.split.train.images.shape[1:]
        warps = Warp().scaled(self.settings.warp)
        return warps.grids(height, width, self.generator).to(self.processes.device)

    def _keep_inputs(self, inputs: Tensor) -> None:
        self.network = keep_inputs(self.network, inputs).to(self.processes.device)
        self.optimizer = self._optimizer()

    def _step(self, chosen: Tensor, grids: Tensor | None, progress: float, step: int) -> float:
        """Train on the images ``chosen``, this process on its share of them; return the loss."""
        settings, part = self.settings, self.split.train
        steps = steps_per_epoch(part, settings.batch) * settings.epochs
        rate = settings.learning_rate * cosine(progress) * warm_up(step, steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["rate"]

        share = self.processes.share(len(chosen))
        labels = part.labels[chosen[share]].to(self.processes.device)
        spikes = self._spikes(chosen, share, grids)
        times = self.network(spikes, settings.margin * settings.ticks_per_unit)
        ramp = spike_ramp(progress)
        total = loss(times, labels, self.network.weights, settings, ramp, self.costs)

        self.optimizer.zero_grad()
        total.backward()

        # clipped is the gradient of the whole batch, not each process's share of it
        gradients = [weight.grad for weight in self.network.weights if weight.grad is not None]
        self.processes.average([total.detach(), *gradients], len(labels) / len(chosen))
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), settings.gradient_limit)
        check_converges(float(norm))
        self.optimizer.step()
        return float(total.detach())

    def _spikes(self, chosen: Tensor, share: slice, grids: Tensor | None) -> InputSpikes:
        """Return the input spikes of a share of the images ``chosen``; what is drawn is drawn for
        all of them.
        """
        images = self.split.train.images[chosen[share]].to(self.processes.device)
        if grids is not None:
            drawn = torch.randint(len(grids), chosen.shape, generator=self.generator)
            images = warp(images, grids[drawn[share]])

        spikes = self.network.encode(images)
        if self.settings.input_noise:
            return spikes.drop(self.settings.input_noise, self.generator, len(chosen), share)
        return spikes

    def result(self) -> SpikingNetwork:
        """Return the trained network as it is evaluated and exported."""
        return silence(self.network, self.settings.max_silent_intensity)

    def check_alike(self) -> None:
        """Compare this run with those of the other processes.

        :raises InputError: they differ.
        """
        state = hashlib.sha256(repr((self.history, self.network.thresholds)).encode())
        for tensor in (*self.network.weights, self.generator.get_state()):
            state.update(tensor.detach().cpu().numpy().tobytes())
        self.processes.check_alike(state.hexdigest(), f"their networks after epoch {self.epoch}")

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        write_checkpoint(self._state(), path)

    def _state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "format": FORMAT,
            "settings": json.dumps(self.settings.to_json()),
            "data": self.split.digest,
            "history": self.history,
            "pixels": torch.tensor(self.network.encoder.pixels),
            "weights": [weight.detach() for weight in self.network.weights],
            "thresholds": self.network.thresholds,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def restore(self, path: Path) -> None:
        """Go on with a run from its checkpoint.

        :raises InputError: the file is damaged, or of a run with other settings or data.
        """
        state = read_checkpoint(path)
        check_same(path, TrainSettings.from_json(saved_values(path, state)), self.settings)
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
        check_thresholds(path, state["thresholds"])

        with torch.no_grad():
            for weight, saved in zip(self.network.weights, state["weights"], strict=True):
                weight.copy_(saved)
        self.network.thresholds = state["thresholds"]
        restore_optimizer(path, self.optimizer, self.generator, state)
        self.history = state["history"]


def check_converges(norm: float) -> None:
    """Check the norm of the gradients of a step.

    :raises InputError: it is infinite, or no number.
    """
    if not math.isfinite(norm):
        raise InputError("--learning-rate: training diverged; take a smaller one, or lower costs.")


def warm_up(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step of ``steps``, counted from 0."""
    return min(1.0, (step + 1) / max(1.0, min(WARM_UP_STEPS, WARM_UP * steps)))


def batch_size(part: Part, batch: int) -> int:
    """Return the images of a step: ``batch``, or fewer, for enough steps in an epoch."""
    return min(batch, max(1, len(part) // LEAST_STEPS))


def steps_per_epoch(part: Part, batch: int) -> int:
    """Return the number of batches in an epoch, which have ``batch`` images at most."""
    return len(part) // batch_size(part, batch)


def run(
    training: RunT,
    checkpoint: Path | None = None,
    report: Callable[[dict[str, float]], object] = lambda row: None,
) -> RunT:
    """Train to the last epoch, with a progress bar; the network ends on the CPU.

    :param training: of any kind, not yet begun.
    :param checkpoint: training goes on from it, if there is one, and writes it after every epoch.
        Of several processes all read it, and the first one writes it.
    :param report: receives each row of the history.
    :raises InputError: the checkpoint is damaged, or of a run with other settings.
    """
    settings, first = training.settings, training.processes.first
    if checkpoint is not None and checkpoint.exists():
        training.restore(checkpoint)
    training.check_alike()

    # the checkpoint is written before the row is reported: what was reported is never lost
    steps = steps_per_epoch(training.split.train, settings.batch)
    with progress_bar(first) as bar:
        task = bar.add_task(
            "training", total=steps * settings.epochs, completed=steps * training.epoch
        )
        while training.epoch < settings.epochs:
            row = training.run_epoch(lambda: bar.advance(task))
            training.check_alike()
            if checkpoint is not None and first:
                training.save(checkpoint)
            bar.update(task, description=f"validation {100 * row['accuracy']:.2f} %")
            report(row)

    training.network.cpu()
    return training


def fit(
    split: Split,
    settings: TrainSettings,
    checkpoint: Path | None = None,
    report: Callable[[dict[str, float]], object] = lambda row: None,
    processes: Processes = ALONE,
) -> Training:
    """Train a network of first spikes, as :func:`run` does."""
    return run(Training(split, settings, processes), checkpoint, report)
