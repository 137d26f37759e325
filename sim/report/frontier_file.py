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
import reprlib
import sqlite3
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, cast, get_type_hints

from sim.errors import InputError, is_integer, require
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


MOST_ROWS = 100_000
"""Rows of the largest file."""

MOST_TEXT = 2**16
"""Characters of the longest text in a row."""

_FIGURES = [field.name for field in fields(Figures)]
_COLUMNS = ["key", "settings", "seconds", "error", *_FIGURES]
_KINDS: dict[str, Any] = {
    **{"key": str, "settings": str, "seconds": float, "error": str},
    **get_type_hints(Figures),
}
_ALWAYS = {"dataset", "seed", "hidden", "bits"}
_LISTS = {"hidden", "bits", "maps", "kernel", "stride"}
_MAY_BE_NULL = {"error", *_FIGURES}
_CREATE = f"CREATE TABLE IF NOT EXISTS points ({', '.join(_COLUMNS)}, PRIMARY KEY (key))"
_INSERT = f"INSERT OR REPLACE INTO points VALUES ({', '.join('?' * len(_COLUMNS))})"


class Results:
    """An open file of results; :func:`open_results` makes one."""

    def __init__(self, connection: sqlite3.Connection, file: AnyPath) -> None:
        self._connection, self._file = connection, Path(file)

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
        """Return all rows, the oldest first.

        :raises InputError: a row is none that a sweep wrote, or there are too many.
        """
        rows = self._connection.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM points ORDER BY rowid LIMIT {MOST_ROWS + 1}"
        )
        key = str(self._file)
        points = [_point(f"{key}: row {number}", *row) for number, row in enumerate(rows, 1)]
        require(len(points) <= MOST_ROWS, key, f"has more than {MOST_ROWS:,} rows")
        return points


def _point(name: str, *row: Any) -> Point:
    """Return a row after checking it; settings by their names today, so that rows of all times
    compare.

    :raises InputError: it is none that a sweep wrote.
    """
    for column, value in zip(_COLUMNS, row, strict=True):
        fits = _fits(column, value) or (value is None and column in _MAY_BE_NULL)
        require(fits, name, f"{column} cannot be {reprlib.repr(value)}; delete the row")

    key, text, seconds, error, *figures = row
    settings = _settings(text)
    require(_are_settings(settings), name, "settings are not those of a point; delete the row")
    fits = all((value is None) == (error is not None) for value in figures)
    require(fits, name, "must have figures or an error; delete the row")
    return Point(key, settings, seconds, None if error is not None else Figures(*figures), error)


def _settings(text: str) -> dict[str, Any]:
    """Return the settings of a row by their names today; none if it is not a JSON object."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    values = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    return {RENAMED_SETTINGS.get(name, name): value for name, value in values.items()}


def _are_settings(values: dict[str, Any]) -> bool:
    """Whether these can be settings of a point: those that every kind of neuron has, and lists of
    whole numbers or single values.
    """
    if not values.keys() >= _ALWAYS or not isinstance(values["dataset"], str):
        return False
    for name, value in values.items():
        if not isinstance(value, list):
            if name in _LISTS or not isinstance(value, str | int | float):
                return False
        elif not all(is_integer(item, -(2**63), 2**63 - 1) for item in cast(list[Any], value)):
            return False
    return is_integer(values["seed"], 0, 2**63 - 1)


def _fits(name: str, value: Any) -> bool:
    """Whether a column of a row has a value of its type and range."""
    kind = _KINDS[name]
    if kind is str:
        return isinstance(value, str) and len(value) <= MOST_TEXT
    if kind is int:
        return is_integer(value, 0, 2**63 - 1)
    most = 1 if name in ("accuracy", "validation") else sys.float_info.max
    return isinstance(value, int | float) and 0 <= value <= most


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

            # a view could compute for ever
            found = connection.execute("SELECT type FROM sqlite_master WHERE name = 'points'")
            if found.fetchall() != [("table",)]:
                raise sqlite3.DatabaseError("it has no table of points")

            # a foreign file, or one of other columns, fails here and not in the middle of a sweep
            connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM points LIMIT 0")
            yield Results(connection, file)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(
            f"{file}: is not a sweep's file of results, or cannot be written ({error})."
        ) from error
