"""What training runs of one process have in common: the course of an epoch, and checkpoints."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from sim.errors import InputError
from train.checkpoint import (
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
from train.evaluate import Decider, evaluate
from train.exact.loss import cosine
from train.fit import AnySettings, batch_size, check_converges, steps_per_epoch, warm_up
from train.parallel import Processes

COST_RAMP = 0.3
"""Share of training over which the spike cost rises to its full value."""


class SingleSettings(AnySettings, Protocol):
    """What such a run asks of its settings; the words are those of the kinds of neuron."""

    neuron: ClassVar[str]

    @property
    def seed(self) -> int:
        """Of weights, order and warps."""
        ...

    @property
    def learning_rate(self) -> float:
        """Of Adam, cosine to zero."""
        ...

    @property
    def warp(self) -> float:
        """Strength of the augmentation, 0: none."""
        ...

    @property
    def gradient_limit(self) -> float:
        """Longer gradients are scaled back to this norm."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON."""
        ...

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` returned."""
        ...


NetworkT = TypeVar("NetworkT", bound=nn.Module)
SettingsT = TypeVar("SettingsT", bound=SingleSettings)


class SingleTraining(ABC, Generic[NetworkT, SettingsT]):
    """A training run; it can stop after any epoch and go on from its checkpoint.

    :param split: what to learn from; its test part is not touched.
    :param settings: what decides the result.
    :param processes: must be one.
    :raises InputError: there are several processes.

    ``history`` has one dict per epoch: epoch, loss, and the figures of :mod:`train.evaluate` on
    validation images.
    """

    form: ClassVar[str]
    """Of the checkpoints."""

    def __init__(self, split: Split, settings: SettingsT, processes: Processes) -> None:
        if processes.count > 1:
            raise InputError(
                f"torchrun: --neuron {settings.neuron} is trained by one process; "
                "start it without torchrun."
            )
        self.split, self.settings, self.processes = split, settings, processes
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.network = self._new_network()
        self.optimizer = self._optimizer()
        self.history: list[dict[str, float]] = []

    @abstractmethod
    def _new_network(self) -> NetworkT:
        """Return an untrained network."""

    @abstractmethod
    def run_epoch(self, tick: Callable[[], object] = lambda: None) -> dict[str, float]:
        """Train one epoch, validate, and return its row of the history; ``tick`` is called after
        each batch.
        """

    @abstractmethod
    def _loss(self, chosen: Tensor, grids: Tensor | None, ramp: float) -> Tensor:
        """Return the loss of the images ``chosen``.

        :param grids: the warps of the epoch.
        :param ramp: how much of the spike cost counts.
        """

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.history)

    def _optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), betas=(0.9, 0.99), fused=True)

    def _warps(self) -> Tensor | None:
        """Draw the warps of an epoch."""
        if not self.settings.warp:
            return None
        height, width = self.split.train.images.shape[1:]
        warps = Warp().scaled(self.settings.warp)
        return warps.grids(height, width, self.generator).to(self.processes.device)

    def _images(self, chosen: Tensor, grids: Tensor | None) -> Tensor:
        """Return the images ``chosen``, warped as the settings say."""
        images = self.split.train.images[chosen].to(self.processes.device)
        if grids is None:
            return images
        drawn = torch.randint(len(grids), chosen.shape, generator=self.generator)
        return warp(images, grids[drawn])

    def _train(self, grids: Tensor | None, tick: Callable[[], object]) -> float:
        """Take the steps of an epoch; return their mean loss."""
        settings, part = self.settings, self.split.train
        losses: list[float] = []
        steps, size = steps_per_epoch(part, settings.batch), batch_size(part, settings.batch)
        for step, chosen in enumerate(batches(len(part), size, self.generator)):
            # one number of progress, 0..1 over all epochs, drives the rate and the spike cost
            progress = (self.epoch + step / steps) / settings.epochs
            warm = warm_up(self.epoch * steps + step, settings.epochs * steps)
            rate = settings.learning_rate * cosine(progress) * warm
            losses.append(
                self._step(self._loss(chosen, grids, min(1.0, progress / COST_RAMP)), rate)
            )
            tick()
        return sum(losses) / len(losses)

    def _step(self, loss: Tensor, rate: float) -> float:
        """Move the weights; return the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_limit)
        check_converges(float(norm))
        self.optimizer.step()
        return float(loss.detach())

    def _validate(self, loss: float, network: Decider) -> dict[str, float]:
        """Add the row of an epoch to the history, and return it."""
        row = {"epoch": self.epoch + 1, "loss": loss}
        self.history.append(row | evaluate(network, self.split.validation, self.processes))
        return self.history[-1]

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
            "format": self.form,
            "settings": json.dumps(self.settings.to_json()),
            "data": self.split.digest,
            "history": self.history,
            "network": dict(self.network.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def _take_shape(self, path: Path, state: dict[str, Any]) -> None:
        """Give the network the shape that it has in a checkpoint, where that can be another.

        :raises InputError: it cannot be that one.
        """

    def restore(self, path: Path) -> None:
        """Go on with a run from its checkpoint.

        :raises InputError: the file is damaged, or of a run with other settings or data.
        """
        state = read_checkpoint(path)
        saved = type(self.settings).from_json(saved_values(path, state))
        check_same(path, saved, self.settings)
        check_data(path, state.get("data"), self.split.digest)
        check_history(path, state.get("history"), self.settings.epochs)

        self._take_shape(path, state)
        stepped = bool(state["history"])
        wanted = {**self._state(), "optimizer": optimizer_state(self.optimizer, stepped)}
        check_state(path, state, wanted)

        self.network.load_state_dict(state["network"])
        restore_optimizer(path, self.optimizer, self.generator, state)
        self.history = state["history"]
