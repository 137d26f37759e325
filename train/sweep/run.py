"""Trains the points of a sweep on Dask's workers, and keeps every result as soon as it is there.

Who gets which point, and what happens when a worker dies, is Dask's business: a point whose worker
is lost runs again on another one, from its checkpoint where the workers are on this machine.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import torch
from distributed import Client, Future, as_completed

from sim.console import progress_bar
from sim.errors import InputError
from sim.file import NETWORK_FILE
from sim.files import atomic_path
from sim.report.frontier_file import Figures, Point, open_results
from train.checkpoint import CHECKPOINT_FILE
from train.data import load
from train.evaluate import evaluate
from train.export import export
from train.fit import run
from train.neurons import Settings, start_run
from train.parallel import ALONE
from train.sweep.spec import point_key

NETWORKS = "networks"
"""Folder of the trained networks in a sweep's folder, one file per point, named by its key."""

CHECKPOINTS = "checkpoints"
"""Folder of unfinished points in a sweep's folder."""


def run_point(
    settings: Settings, data: Path | None, checkpoints: Path | None = None
) -> tuple[Figures, bytes, float]:
    """Train, export and measure one network; return its figures, its file's content and the seconds
    it took.

    Runs on a worker. One thread, whatever the machine: the same settings give the same bits
    on every machine of one kind.

    :param data: folder of the data set's IDX files, as the worker sees it.
    :param checkpoints: where a point that is interrupted goes on from; None keeps nothing.
    :raises InputError: as in training and export.
    """
    torch.set_num_threads(1)
    start = time.monotonic()
    split = load(settings.dataset, data)
    folder = checkpoints / point_key(settings) if checkpoints else None

    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as name:
        training = start_run(split, settings, ALONE)
        run(training, None if folder is None else folder / CHECKPOINT_FILE)
        network = training.result()
        found = export(network, split, settings, Path(name))
        content = (Path(name) / NETWORK_FILE).read_bytes()

    figures = Figures(
        accuracy=found["accuracy"],
        validation=evaluate(network, split.validation)["accuracy"],
        reads=found["weight_reads_per_image"],
        spikes=found["spikes_per_image"],
        tick=found["decision_tick_mean"],
        memory_bits=found["weight_memory_bits"],
        timeouts=found["timeouts"],
        inputs=found["sizes"][0],
        digest=found["digest"],
    )
    return figures, content, time.monotonic() - start


def run_sweep(
    points: Sequence[Settings],
    out: Path,
    client: Client,
    data: Path | None = None,
    retry: bool = False,
    local: bool = True,
    report: Callable[[Point], object] = lambda point: None,
) -> list[Point]:
    """Train all points that ``out`` has no result of; return the rows of all of them, in the
    points' order.

    :param client: of the Dask cluster that does the work.
    :param retry: train points that failed before once more.
    :param local: the workers see the folder ``out``: unfinished points keep checkpoints in it.
    :param report: receives each result, once it is kept.
    :raises InputError: the cluster went away, or the results cannot be written; what is finished is
        kept.
    """
    checkpoints = (out / CHECKPOINTS).absolute() if local else None
    with open_results(out, create=True) as results, progress_bar() as bar:
        known = {point.key for point in results.points() if not (retry and point.error)}
        missing = [settings for settings in points if point_key(settings) not in known]

        task = bar.add_task("sweep", total=len(points), completed=len(points) - len(missing))
        futures = {
            client.submit(run_point, settings, data, checkpoints, pure=False): settings
            for settings in missing
        }

        for future in as_completed(list(futures), loop=client.loop):
            point = _finish(future, futures.pop(future), out)
            results.add(point)
            report(point)
            bar.update(task, advance=1, description=_headline(point))
        rows = {point.key: point for point in results.points()}
    return [rows[point_key(settings)] for settings in points]


def _finish(future: Future, settings: Settings, out: Path) -> Point:
    """Return the row of a point that is done, and keep its network; its checkpoint is no longer
    needed.
    """
    key = point_key(settings)
    if future.cancelled():
        raise InputError(
            "the Dask scheduler went away; finished points are kept, "
            "run the sweep again for the rest."
        )
    error = cast(BaseException | None, future.exception())
    if error is not None:
        return Point(key, settings.to_json(), 0.0, None, _sentence(error))

    figures, content, seconds = future.result()

    # or Dask would run the point again if the worker that keeps its result dies
    future.release()
    with atomic_path(out / NETWORKS / f"{key}.safetensors") as temporary:
        temporary.write_bytes(content)
    shutil.rmtree(out / CHECKPOINTS / key, ignore_errors=True)
    return Point(key, settings.to_json(), seconds, figures)


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def _headline(point: Point) -> str:
    if point.figures is None:
        return "last: failed"
    return f"last: validation {point.figures.validation:.2%}, {point.figures.reads:,.0f} reads"
