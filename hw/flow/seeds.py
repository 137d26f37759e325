"""Places and routes a design from several seeds on Dask's workers, and keeps the fastest."""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw.boards.table import Board
from hw.flow.measure import read_routed
from hw.flow.toolchain import NETLIST, ROUTED_REPORT, Job, Stage, run_stages, stages
from sim.errors import InputError
from sim.files import AnyPath, atomic_path

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 15
"""How long a scheduler may take to answer."""


@dataclass(frozen=True)
class Search:
    """How many seeds are tried, and where.

    :param count: seeds, from that of the job on.
    :param scheduler: address of a running Dask cluster; None: this machine.
    :param workers: tools at once on this machine; None: one per core.
    """

    count: int = 1
    scheduler: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("seeds", self.count), ("workers", self.workers)):
            if value is not None and value < 1:
                raise InputError(f"--{name}: must be at least 1, not {value}.")


ONE_SEED = Search()


def run_tools(
    board: Board,
    clock_hz: float,
    job: Job,
    search: Search,
    work: AnyPath,
    progress: Callable[[str], object],
) -> tuple[Job, dict[str, float]]:
    """Synthesise, place and route what is in ``work``, with the seed that gives the fastest clock.

    :param work: folder of the design; every seed gets a folder of its own in it.
    :param progress: receives the name of each stage before it begins.
    :return: the job with that seed; seconds per stage.
    :raises InputError: a tool is missing or fails, with every seed; or the scheduler does not
        answer.
    """
    work = Path(work)
    synthesis, routing = stages(board, clock_hz, job)

    if search.count == 1:
        return job, run_stages([synthesis, routing], work, lambda stage: progress(stage.name))

    seconds = run_stages([synthesis], work, lambda stage: progress(stage.name))
    began_s = time.monotonic()
    jobs = [replace(job, seed=job.seed + offset) for offset in range(search.count)]
    reached_mhz = _Candidates(board, clock_hz, work).route(jobs, search, progress)
    best = max(reached_mhz, key=lambda candidate: reached_mhz[candidate])

    for name in _results(board):
        with atomic_path(work / name) as beside:
            shutil.copyfile(_folder(work, best) / name, beside)
    # what is there is of no single run any more
    (work / f"{routing.tool}.done").unlink(missing_ok=True)
    return best, seconds | {routing.name: round(time.monotonic() - began_s, 1)}


def route(stage: Stage, files: dict[str, bytes], results: Sequence[str]) -> dict[str, bytes]:
    """Run a stage on files, wherever this is called; return its results' contents.

    :param files: by name, what the stage reads.
    :param results: names of the files that are kept.
    :raises InputError: its tool is missing, or fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        stage.run(folder, kept=False)
        return {result: (folder / result).read_bytes() for result in results}


def _results(board: Board) -> list[str]:
    return [ROUTED_REPORT, board.device.family.routed_file]


def _folder(work: Path, job: Job) -> Path:
    return work / f"seed-{job.seed}"


class _Candidates:
    """The seeds of one netlist in ``work``, each in a folder of its own with a file that says what
    it was made from.
    """

    def __init__(self, board: Board, clock_hz: float, work: AnyPath):
        work = Path(work)
        self.board, self.clock_hz, self.work = board, clock_hz, work
        names = [NETLIST, *([board.pins] if board.pins else [])]
        self.files = {name: (work / name).read_bytes() for name in names}
        self.source = hashlib.sha256(b"".join(self.files.values())).hexdigest()

    def route(
        self, jobs: list[Job], search: Search, progress: Callable[[str], object]
    ) -> dict[Job, float]:
        """Route what is missing; return the MHz that each seed reaches. Seeds that fail are ignored
        unless all do.

        :raises InputError: all fail.
        """
        reached_mhz = {job: self._mhz(job) for job in jobs if self._is_done(job)}
        missing = [job for job in jobs if job not in reached_mhz]
        failure = "the Dask scheduler went away; finished seeds are kept"
        progress(f"place and route: {len(reached_mhz)} of {len(jobs)} seeds{_best(reached_mhz)}")

        with _connect(search) if missing else nullcontext() as client:
            for job, future in self._submit(client, missing):
                if future.status == "finished":
                    self._keep(job, future.result())
                    reached_mhz[job] = self._mhz(job)
                elif future.status == "error":
                    failure = str(future.exception())
                progress(
                    f"place and route: {len(reached_mhz)} of {len(jobs)} seeds{_best(reached_mhz)}"
                )

        if not reached_mhz:
            raise InputError(failure)
        return reached_mhz

    def _submit(self, client: "Client | None", jobs: list[Job]) -> Iterator[tuple[Job, "Future"]]:
        """Yield every job with its future when that is done."""
        if client is None:
            return
        from distributed import as_completed

        results = _results(self.board)
        files = client.scatter(self.files)
        futures: dict[Future, Job] = {}
        for job in jobs:
            routing = stages(self.board, self.clock_hz, job)[1]
            futures[client.submit(route, routing, files, results, pure=False)] = job
        for future in as_completed(list(futures), loop=client.loop):
            yield futures[future], future

    def _key(self, job: Job) -> str:
        return hashlib.sha256(
            repr((self.source, stages(self.board, self.clock_hz, job))).encode()
        ).hexdigest()

    def _is_done(self, job: Job) -> bool:
        done = _folder(self.work, job) / "done"
        return done.is_file() and done.read_text() == self._key(job)

    def _keep(self, job: Job, results: dict[str, bytes]) -> None:
        folder = _folder(self.work, job)
        (folder / "done").unlink(missing_ok=True)
        for name, content in (results | {"done": self._key(job).encode()}).items():
            with atomic_path(folder / name) as beside:
                beside.write_bytes(content)

    def _mhz(self, job: Job) -> float:
        report = (_folder(self.work, job) / ROUTED_REPORT).read_text()
        return read_routed(report, self.board.device.family).fmax_mhz


def _best(reached_mhz: dict[Job, float]) -> str:
    return f", {max(reached_mhz.values()):.1f} MHz" if reached_mhz else ""


@contextmanager
def _connect(search: Search) -> Generator["Client"]:
    """Yield a client of the search's cluster, or of one on this machine.

    :raises InputError: the scheduler does not answer.
    """
    from distributed import Client, LocalCluster

    # what matters becomes one sentence of ours
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if search.scheduler is not None:
        try:
            client = Client(search.scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"--scheduler {search.scheduler}: does not answer; start one with `dask scheduler`."
            ) from error
        with client:
            yield client
        return

    # threads: the work is done by processes of their own anyway
    local: dict[str, Any] = {
        "n_workers": 1,
        "threads_per_worker": search.workers or os.cpu_count(),
        "processes": False,
        "dashboard_address": None,
    }
    with LocalCluster(**local) as cluster, Client(cluster, set_as_default=False) as client:
        yield client
