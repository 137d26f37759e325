"""Where a sweep runs: workers on this machine, or a Dask cluster that is there already."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sim.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 15
"""How long a scheduler may take to answer."""


@contextmanager
def connect(workers: int = 1, scheduler: str | None = None) -> Generator["Client"]:
    """Connect to a running scheduler, or start workers of one thread each on this machine.

    :raises InputError: no worker is wanted, or the scheduler does not answer.
    """
    from dask import config
    from distributed import Client, LocalCluster

    # what matters becomes one sentence of ours
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if workers < 1:
        raise InputError(f"--workers: must be at least 1, not {workers}.")

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            # a TypeError: encrypted addresses need certificates, which Dask's own settings name
            raise InputError(
                f"--scheduler {scheduler}: does not answer; start one with `dask scheduler`, and "
                "give its address as it says it, such as tcp://host:8786."
            ) from error
        with client:
            yield client
        return

    # a worker that is busy is not a dead one: dead processes are seen by their closed connections
    patient = config.set({"distributed.scheduler.worker-ttl": None})
    start = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    cluster = LocalCluster(**start, silence_logs=logging.CRITICAL)
    with patient, cluster, Client(cluster, set_as_default=False) as client:
        yield client
