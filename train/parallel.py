"""Training one network in several processes: those that ``torchrun`` starts share every batch and
stay bit-identical.

Every process draws the same order, warps and noise from the same generator, computes its share of
each batch, and gets the gradient of the whole batch back. So a step is that of a single process but
for the order in which floats are added, and whatever else changes the network (thresholds, pruning,
the optimiser) is computed alike everywhere.
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.nn.utils import parameters_to_vector

from sim.errors import InputError


@dataclass(frozen=True)
class Processes:
    """This process among those that train a network together.

    :param rank: 0 ... count-1; only rank 0 writes files and shows figures.
    :param device: where this process computes.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and shows."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Return which of ``count`` things are this process's: as many as the others', or one more
        or less.
        """
        return slice(self.rank * count // self.count, (self.rank + 1) * count // self.count)

    def average(self, tensors: Sequence[Tensor], weight: float) -> None:
        """Replace float tensors by their weighted sum over all processes, in place; the weights add
        up to 1.
        """
        if self.count > 1:
            total = parameters_to_vector(tensors) * weight
            with _exchange():
                distributed.all_reduce(total)
            for tensor, part in zip(
                tensors, total.split([tensor.numel() for tensor in tensors]), strict=True
            ):
                tensor.copy_(part.view_as(tensor))

    def add(self, counts: Sequence[int]) -> list[int]:
        """Return the sums of integers over all processes."""
        if self.count == 1:
            return list(counts)
        total = torch.tensor(counts, dtype=torch.int64)
        with _exchange():
            distributed.all_reduce(total)
        return total.tolist()

    def check_alike(self, digest: str, what: str) -> None:
        """Compare what should be the same in all processes.

        :raises InputError: it is not; all processes raise it.
        """
        if self.count > 1:
            found = [""] * self.count
            with _exchange():
                distributed.all_gather_object(found, digest)
            if len(set(found)) > 1:
                raise InputError(
                    f"torchrun: the processes differ in {what}; give all of them the same machine, "
                    "data and checkpoint, or train without torchrun."
                )


ALONE = Processes(0, 1, torch.device("cpu"))
"""A process that shares its network with no other one."""


@contextmanager
def _exchange() -> Generator[None]:
    """Make one sentence of another process's end, whose own message names the cause."""
    try:
        yield
    except RuntimeError as error:
        raise InputError(
            "torchrun: another process of this training ended; its message names the cause."
        ) from error


def under_torchrun() -> bool:
    """Return whether ``torchrun`` started this process."""
    return distributed.is_torchelastic_launched()


@contextmanager
def joined() -> Generator[Processes]:
    """Join the processes that ``torchrun`` started: one GPU each where there are any, else the CPU;
    or be alone.

    :raises InputError: there are more processes than GPUs.
    """
    if not under_torchrun():
        yield ALONE
        return

    device, backend = torch.device("cpu"), "gloo"
    if gpus := torch.cuda.device_count():
        local = int(os.environ["LOCAL_RANK"])
        if local >= gpus:
            raise InputError(
                f"torchrun: one process per GPU, and this machine has {gpus}; "
                f"give --nproc-per-node {gpus}, "
                "or hide all GPUs (CUDA_VISIBLE_DEVICES=) to train on the CPU."
            )

        # counts are exchanged on the CPU, gradients between GPUs
        device, backend = torch.device("cuda", local), "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(device)

    distributed.init_process_group(backend)
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()
