"""The results of a sweep: one SQLite file, one row per trained network, committed as soon as it is
there.

| column | meaning |
|---|---|
| ``key`` | of the settings; a sweep that finds it does not train that network again |
| ``settings`` | JSON object: everything that decided the result, also ``dataset`` and ``seed`` |
| ``seconds`` | spent on the point |
| ``error`` | one sentence if the point failed; then the columns below are null |
| ``accuracy``, ``validation`` | 0..1, integer machine, test images and validation images |
| ``reads``, ``spikes`` | mean per test image: weights looked up, spikes |
| ``tick`` | mean tick of the decision |
| ``memory_bits`` | of all weights |
| ``timeouts`` | test images without an output spike |
| ``inputs``, ``digest`` | input neurons that were kept; digest of the network |
"""

import json
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from sim.errors import InputError
from sim.files import AnyPath

RESULTS_FILE = "results.sqlite"

RENAMED_SETTINGS = {"faint": "max_silent_intensity"}
"""Settings of training by the names that they had in earlier files, and their names today."""

WAIT_SECONDS = 30
"""How long to wait for another process that is writing."""


@dataclass(frozen=True)
class Figures:
    """What a trained network was found to do; the columns of the file, in this order.

    :param accuracy: 0..1, on test images.
    :param validation: 0..1, on validation images.
    :param reads: weights looked up, mean per test image.
    :param spikes: mean per test image.
    :param tick: of the decision, mean.
    :param memory_bits: of all weights.
    :param timeouts: test images without an output spike.
    :param inputs: input neurons that were kept.
    :param digest: of the network, 8 hexadecimal digits.
    """

    accuracy: float
    validation: float
    reads: float
    spikes: float
    tick: float
    memory_bits: int
    timeouts: int
    inputs: int
    digest: str


@dataclass(frozen=True)
class Point:
    """One row.

    :param key: of the settings.
    :param settings: of training, as JSON.
    :param seconds: spent on the point.
    :param figures: None if the point failed.
    :param error: why it failed, in one sentence; None if it did not.
    """

    key: str
    settings: dict[str, Any]
    seconds: float
    figures: Figures | None = None
    error: str | None = None


_FIGURES = [field.name for field in fields(Figures)]
_COLUMNS = ["key", "settings", "seconds", "error", *_FIGURES]
_CREATE = f"CREATE TABLE IF NOT EXISTS points ({', '.join(_COLUMNS)}, PRIMARY KEY (key))"
_INSERT = f"INSERT OR REPLACE INTO points VALUES ({', '.join('?' * len(_COLUMNS))})"


class Results:
    """An open file of results; :func:`open_results` makes one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, point: Point) -> None:
        """Write a row, in place of an earlier one of the same key, and commit it."""
        figures = astuple(point.figures) if point.figures else (None,) * len(_FIGURES)
        row = (
            point.key,
            json.dumps(point.settings, sort_keys=True),
            point.seconds,
            point.error,
            *figures,
        )
        with self._connection:
            self._connection.execute(_INSERT, row)

    def points(self) -> list[Point]:
        """Return all rows, the oldest first."""
        rows = self._connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM points ORDER BY rowid")
        return [_point(*row) for row in rows]


def _point(key: str, settings: str, seconds: float, error: str | None, *figures: Any) -> Point:
    """Return a row; settings by their names today, so that rows of all times compare."""
    values: dict[str, Any] = json.loads(settings)
    renamed = {RENAMED_SETTINGS.get(name, name): value for name, value in values.items()}
    if error is not None:
        return Point(key, renamed, seconds, None, error)
    return Point(key, renamed, seconds, Figures(*figures))


@contextmanager
def open_results(path: AnyPath, create: bool = False) -> Generator[Results]:
    """Open the file of results at ``path``, or the one in that folder.

    :param create: make the file, and its folder, where there is none.
    :raises InputError: there is none, it is not such a file, or it cannot be written.
    """
    path = Path(path)
    if create:
        path.mkdir(parents=True, exist_ok=True)
    file = path / RESULTS_FILE if path.is_dir() else path
    if not create and not file.is_file():
        raise InputError(
            f"{file}: no such file; `python -m train sweep SPEC.toml --out {path}` writes one."
        )

    try:
        connection = sqlite3.connect(file, timeout=WAIT_SECONDS)
        try:
            if create:
                # a reader never waits for the sweep
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_CREATE)

            # a foreign file, or one of other columns, fails here and not in the middle of a sweep
            connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM points LIMIT 0")
            yield Results(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(
            f"{file}: is not a sweep's file of results, or cannot be written ({error})."
        ) from error
