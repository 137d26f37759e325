"""Checkpoints of training: what is in them, and whether one belongs to a run.

A checkpoint is read before anything is computed with it, and has the form of what the run itself
would write at that epoch: the same keys, types, and shapes of tensors.
"""

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from sim.errors import InputError, is_integer
from sim.files import atomic_path

CHECKPOINT_FILE = "training.checkpoint"
FORMATS = ("ttfs-training 2", "window-training 2", "leaky-training 1")
"""Of :mod:`train.fit` and of :mod:`train.window.fit`."""

RENEW = "give another --out, or --restart to train anew"
"""What helps where a checkpoint cannot be gone on with."""

FREE = ("max_silent_intensity",)
"""Settings that are chosen when training is over, and may change."""

SHARES = ("accuracy", "timeouts")
"""Figures of an epoch in 0..1."""


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
    except OSError:
        raise
    except Exception as error:  # a damaged file can end in any of them, deep in PyTorch
        raise InputError(f"{path}: is damaged or not a checkpoint; {RENEW}.") from error

    if not isinstance(state, dict) or state.get("format") not in FORMATS:
        raise InputError(f"{path}: is not a checkpoint of this version; {RENEW}.")
    return state


def saved_values(path: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a checkpoint, as JSON has them.

    :raises InputError: there are none.
    """
    try:
        values = json.loads(state["settings"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: settings are no JSON; {RENEW}.") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: settings are no JSON object; {RENEW}.")
    return values


def check_same(path: Path, saved: AnySettings, given: AnySettings) -> None:
    """Compare the settings of a checkpoint with those given.

    :raises InputError: they differ in what decides a training run.
    """
    for key, value in vars(given).items():
        if value != getattr(saved, key) and key not in FREE:
            raise InputError(
                f"{path}: was trained with {key} = {getattr(saved, key)}, not {value}; "
                f"give the same settings, {RENEW.removeprefix('give ')}."
            )


def check_data(path: Path, saved: Any, given: str) -> None:
    """Compare the digest of the data that a checkpoint was trained on with that of the data given.

    :raises InputError: they differ.
    """
    if saved != given:
        raise InputError(
            f"{path}: was trained on data of digest {saved}, and these have {given}; "
            f"give the same --data, {RENEW.removeprefix('give ')}."
        )


def check_state(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Check that a checkpoint has the form of what the run would write.

    :param wanted: what the run would write now; values of the history may be others, and so may be
        the optimiser's: none before the first step.
    :raises InputError: a key is missing or unknown, or a value is of another type or shape.
    """
    try:
        _check_like("", found, wanted)
    except _UnlikeError as error:
        raise InputError(f"{path}: {error}; {RENEW}.") from error


def check_history(path: Path, history: Any, epochs: int) -> None:
    """Check the rows of a checkpoint's history: epochs 1, 2, ..., and finite figures.

    :param epochs: the most rows.
    :raises InputError: otherwise.
    """
    problem = f"{path}: history is not that of a training run; {RENEW}."
    if not isinstance(history, list) or len(history) > epochs:
        raise InputError(problem)
    for number, row in enumerate(history, 1):
        fits = isinstance(row, dict) and {"epoch", "loss", "accuracy"} <= row.keys()
        if not fits or row["epoch"] != number or not all(map(_is_figure, row, row.values())):
            raise InputError(problem)


def _is_figure(name: Any, value: Any) -> bool:
    """Whether this can be a figure of an epoch."""
    if not isinstance(name, str) or type(value) not in (int, float) or not math.isfinite(value):
        return False
    return value <= 1 if name in SHARES else True


def kept_pixels(path: Path, found: Any, inputs: int, budget: int) -> Tensor | None:
    """Return which inputs a checkpoint has kept, ascending int64, or None for all of them.

    :param inputs: of the network before.
    :param budget: how many a run keeps; 0: all.
    :raises InputError: they are not what the run can have kept.
    """
    if type(found) is Tensor and found.layout == torch.strided and found.dtype == torch.int32:
        every = torch.arange(inputs, dtype=torch.int32)
        if torch.equal(found, every):
            return None
        ascends = found.shape == (budget,) and budget > 0 and bool((found.diff() > 0).all())
        if ascends and 0 <= int(found[0]) <= int(found[-1]) < inputs:
            return found.to(torch.int64)
    raise InputError(f"{path}: pixels are not inputs of this network; {RENEW}.")


def check_thresholds(path: Path, thresholds: list[Any]) -> None:
    """Check the integer thresholds of a checkpoint.

    :raises InputError: one of them can be none.
    """
    if not all(is_integer(threshold, 1, 2**31 - 1) for threshold in thresholds):
        raise InputError(f"{path}: thresholds must be in 1..2^31-1; {RENEW}.")


class _UnlikeError(Exception):
    """Which value of a checkpoint is of another form, and how."""


def _check_like(key: str, found: Any, wanted: Any) -> None:
    """Check the form of a value: its type, and what is in it.

    :raises _UnlikeError: it is another one.
    """
    # what a run holds on another device may be of a class of its own
    kind = Tensor if isinstance(wanted, Tensor) else type(wanted)
    if type(found) is not kind:
        raise _UnlikeError(
            f"{key} must be {kind.__name__}, not {type(found).__name__}"
            if key
            else f"holds {type(found).__name__}"
        )

    if isinstance(wanted, Tensor):
        _check_tensor(key, found, wanted)
    elif isinstance(wanted, Mapping):
        for name in found.keys() ^ wanted.keys():
            which = "is missing" if name in wanted else "is unknown"
            raise _UnlikeError(f"{_joined(key, name)} {which}")
        for name, value in wanted.items():
            if name != "history":
                _check_like(_joined(key, name), found[name], value)
    elif isinstance(wanted, list | tuple):
        if len(found) != len(wanted):
            raise _UnlikeError(f"{key} has {len(found)} entries, not {len(wanted)}")
        for index, (value, like) in enumerate(zip(found, wanted, strict=True)):
            _check_like(f"{key}[{index}]", value, like)
    elif isinstance(wanted, float) and not math.isfinite(found):
        raise _UnlikeError(f"{key} is {found}")


def _check_tensor(key: str, found: Tensor, wanted: Tensor) -> None:
    if found.layout != torch.strided or found.device.type != "cpu":
        raise _UnlikeError(f"{key} is stored in a way that no run writes")
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        raise _UnlikeError(
            f"{key} must be {wanted.dtype} {tuple(wanted.shape)}, "
            f"not {found.dtype} {tuple(found.shape)}"
        )
    if not bool(torch.isfinite(found).all()):
        raise _UnlikeError(f"{key} has values that are no numbers")


def _joined(key: str, name: Any) -> str:
    return f"{key}.{name}" if key else str(name)


def optimizer_state(optimizer: torch.optim.Optimizer, stepped: bool) -> dict[str, Any]:
    """Return an optimiser's state, or, where it has taken no step yet, the form of its state after
    the first one.

    :param stepped: whether the run has taken a step.
    """
    state = optimizer.state_dict()
    if stepped and not state["state"]:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        state["state"] = {
            index: {
                "step": torch.zeros((), dtype=torch.float32),
                "exp_avg": torch.zeros_like(weight, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(weight, requires_grad=False),
            }
            for index, weight in enumerate(weights)
        }
    return state


def restore_optimizer(
    path: Path, optimizer: torch.optim.Optimizer, generator: torch.Generator, state: dict[str, Any]
) -> None:
    """Set an optimiser and a generator of random numbers to those of a checkpoint of their form.

    :raises InputError: the groups are others than the run's, or the generator's state is none.
    """
    groups, ours = (
        [dict(group, lr=None) for group in each["param_groups"]]
        for each in (state["optimizer"], optimizer.state_dict())
    )
    if groups != ours:
        raise InputError(f"{path}: optimizer is another one than this run's; {RENEW}.")
    optimizer.load_state_dict(state["optimizer"])
    try:
        generator.set_state(state["generator"])
    except (RuntimeError, TypeError) as error:
        raise InputError(f"{path}: generator has no such state; {RENEW}.") from error
