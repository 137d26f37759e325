"""The training loop: epochs, validation, and checkpoints, from which an interrupted run ends with
the same result.
"""

import hashlib
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from sim.console import progress_bar
from sim.errors import InputError
from sim.files import atomic_path
from train.connections.convolution import convolutions
from train.data import Part, Split, Warp, batches, warp
from train.encoders.intensity import InputSpikes
from train.evaluate import EVALUATION_BATCH, evaluate
from train.exact.loss import cosine, loss, spike_ramp
from train.parallel import ALONE, Processes
from train.pipeline import SpikingNetwork
from train.prune import keep_inputs, silence, useful_inputs
from train.settings import TrainSettings

CHECKPOINT_FILE = "training.checkpoint"
FORMAT = "ttfs-training 1"
FORMATS = (FORMAT, "window-training 1")
"""Of checkpoints: this one, and those of :mod:`train.window.fit`."""

WARM_UP_STEPS = 200
"""Steps over which the learning rate rises at the start."""

SETTLED = 1 / 3
"""Share of training after which thresholds are no longer fitted to the weights: the rest trains on
a fixed grid.
"""

WAKING = 1 / 2
"""Share of training in which silent neurons are woken before each epoch."""

PRUNING = 1 / 2
"""Share of training after which the least useful input pixels go; the rest trains without them."""


class AnySettings(Protocol):
    """What all settings of a training run have: a frozen dataclass."""

    @property
    def epochs(self) -> int:
        """Times each image is seen."""
        ...

    @property
    def batch(self) -> int:
        """Images per step."""
        ...


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
        images = min(settings.batch, len(split.train))
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
        steps = steps_per_epoch(part, settings.batch)
        for step, chosen in enumerate(batches(len(part), settings.batch, self.generator)):
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
        rate = settings.learning_rate * cosine(progress) * min(1.0, (step + 1) / WARM_UP_STEPS)
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
        nn.utils.clip_grad_norm_(
            self.network.parameters(), settings.gradient_limit, error_if_nonfinite=True
        )
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
        state = {
            "format": FORMAT,
            "settings": json.dumps(self.settings.to_json()),
            "history": self.history,
            "pixels": torch.tensor(self.network.encoder.pixels),
            "weights": [weight.detach() for weight in self.network.weights],
            "thresholds": self.network.thresholds,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }
        write_checkpoint(state, path)

    def restore(self, path: Path) -> None:
        """Go on with a run from its checkpoint.

        :raises InputError: the file is damaged, or of a run with other settings.
        """
        state = read_checkpoint(path)
        saved = TrainSettings.from_json(json.loads(state["settings"]))
        check_same(path, saved, self.settings)

        # a run that was pruned has fewer weights, and an optimiser of its own
        if len(state["pixels"]) < self.network.encoder.inputs:
            self._keep_inputs(state["pixels"].to(torch.int64))
        with torch.no_grad():
            for weight, saved in zip(self.network.weights, state["weights"], strict=True):
                weight.copy_(saved)

        self.network.thresholds = state["thresholds"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.history = state["history"]


def write_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values, whole or not at all.

    :raises InputError: they cannot be written.
    """
    content = io.BytesIO()  # torch.save to a full disk would raise no OSError
    torch.save(state, content)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; only tensors and plain values are accepted, so a foreign file runs
    nothing.

    :raises InputError: the file is missing, damaged or foreign.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file; `python -m train fit --out {path.parent}` writes one."
        ) from error
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: is damaged or not a checkpoint; delete it to train anew."
        ) from error

    if not isinstance(state, dict) or state.get("format") not in FORMATS:
        raise InputError(f"{path}: is not a checkpoint of this version; delete it to train anew.")
    return state


def steps_per_epoch(part: Part, batch: int) -> int:
    """Return the number of batches in an epoch."""
    return max(1, len(part) // batch)


def check_same(path: Path, saved: AnySettings, given: AnySettings) -> None:
    """Compare the settings of a checkpoint with those given.

    :raises InputError: they differ in what decides a training run.
    """
    for key, value in vars(given).items():
        # silent intensities are chosen when training is over, and may change
        if value != getattr(saved, key) and key != "max_silent_intensity":
            raise InputError(
                f"{path}: was trained with {key} = {getattr(saved, key)}, not {value}; "
                "give the same settings, or another --out."
            )


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
