"""The durable record of what a directory holds and how it was made."""

__all__ = ("Journal",)

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..domain import CutoutsError, DetectorVisit
from ._outcomes import Failure, Picture

_NAME: Final = ".journal.sqlite3"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS picture (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT NOT NULL, visit INTEGER NOT NULL,
    detector INTEGER NOT NULL, path TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS failure (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER, reason TEXT NOT NULL
);
"""


class Journal:
    """What is done, what failed, and under which settings, in one SQLite file.

    It is committed once per batch, after the pictures of that batch have
    their names: a picture that the journal knows exists whole, and one that
    it does not know is made again. While it is open no other run can write to
    the same directory. Use it as a context manager.

    Parameters
    ----------
    directory : `str` or `pathlib.Path`
        Directory of the run.

    Raises
    ------
    CutoutsError
        Raised when another run has the directory, or the file is damaged.
    """

    def __init__(self, directory: str | Path) -> None:
        self._path = Path(directory) / _NAME
        self._db = sqlite3.connect(self._path, timeout=0)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise CutoutsError(
                    f"Another run is writing to {directory}: wait for it, or stop it."
                ) from None
            raise CutoutsError(f"Journal {self._path} cannot be written: {error}.") from None
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise CutoutsError(
                f"Journal {self._path} is damaged ({error}). Remove that file to make every picture again."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @property
    def settings(self) -> dict[str, str]:
        """The settings under which the pictures were made."""
        return dict(self._db.execute("SELECT name, value FROM setting"))

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Record the settings of the run.

        Parameters
        ----------
        settings : `Mapping` [`str`, `str`]
            All settings; those of earlier runs are replaced.
        """
        with self._db:
            self._db.execute("DELETE FROM setting")
            self._db.executemany("INSERT INTO setting VALUES (?, ?)", settings.items())

    def clear(self) -> None:
        """Forget every picture and every failure."""
        with self._db:
            self._db.execute("DELETE FROM picture")
            self._db.execute("DELETE FROM failure")

    def done(self, ids: Iterable[int]) -> dict[int, str]:
        """Return which sources have a picture.

        Parameters
        ----------
        ids : iterable of `int`
            Sources to look for.

        Returns
        -------
        done : `dict` [`int`, `str`]
            The path of the picture of each source that has one.
        """
        wanted = json.dumps(list(ids))
        query = "SELECT diaSourceId, path FROM picture WHERE diaSourceId IN (SELECT value FROM json_each(?))"
        return dict(self._db.execute(query, (wanted,)))

    def record(self, outcomes: Iterable[Picture | Failure]) -> None:
        """Record what became of the sources of one batch, durably.

        Parameters
        ----------
        outcomes : iterable of `Picture` or `Failure`
            One per source; it replaces what was known of that source.
        """
        pictures, failures = [], []
        for outcome in outcomes:
            place = outcome.data_id
            data_id = (None,) * 3 if place is None else (place.instrument, place.visit, place.detector)
            if isinstance(outcome, Picture):
                metadata = json.dumps(dict(outcome.metadata))
                pictures.append((outcome.diaSourceId, *data_id, outcome.path, metadata))
            else:
                failures.append((outcome.diaSourceId, *data_id, outcome.reason))
        with self._db:
            for row in pictures:
                self._db.execute("DELETE FROM failure WHERE diaSourceId = ?", row[:1])
                self._db.execute("INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?, ?, ?)", row)
            for row in failures:
                self._db.execute("DELETE FROM picture WHERE diaSourceId = ?", row[:1])
                self._db.execute("INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?, ?)", row)

    def pictures(self) -> Iterator[Picture]:
        """Yield every picture by visit, detector and diaSourceId."""
        query = (
            "SELECT diaSourceId, instrument, visit, detector, path, metadata FROM picture"
            " ORDER BY visit, detector, diaSourceId"
        )
        for identifier, instrument, visit, detector, path, metadata in self._db.execute(query):
            yield Picture(identifier, DetectorVisit(instrument, visit, detector), path, json.loads(metadata))

    def failures(self) -> Iterator[Failure]:
        """Yield every failure by visit, detector and diaSourceId."""
        query = (
            "SELECT diaSourceId, instrument, visit, detector, reason FROM failure"
            " ORDER BY visit, detector, diaSourceId"
        )
        for identifier, instrument, visit, detector, reason in self._db.execute(query):
            data_id = None if instrument is None else DetectorVisit(instrument, visit, detector)
            yield Failure(identifier, data_id, reason)
