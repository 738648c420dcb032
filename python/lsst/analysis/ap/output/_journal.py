"""The durable record of what a directory holds and how it was made."""

__all__ = ("JOURNAL_NAME", "Journal")

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self

from ..domain import CutoutsError, DetectorVisit, SourceBatch
from ._directory import OutputDirectory
from ._outcomes import Failure, Picture
from ._paths import is_list_path, is_picture_path
from ._rows import CATALOGUE, keep_rows

JOURNAL_NAME: Final = ".journal.sqlite3"
"""Name of the file."""
_VERSION: Final = 1
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS picture (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT NOT NULL, visit INTEGER NOT NULL,
    detector INTEGER NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS failure (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS manifest (path TEXT PRIMARY KEY);
{CATALOGUE}
"""
_AMONG: Final = "(SELECT value FROM json_each(?))"
_FOLDER: Final = "rtrim(path, replace(path, '/', ''))"


class Journal:
    """What is done, what failed, and under which settings, in one SQLite file.

    It is committed once per batch, after the pictures of that batch have
    their names: a picture that the journal knows exists whole, and one that
    it does not know is made again. While it is open no other run can write to
    the same local directory; a remote one notices others when it sends its
    journal. Use it as a context manager.

    Parameters
    ----------
    directory : `OutputDirectory`
        Directory of the run.
    existing : `bool`, optional
        Whether there must be one already.

    Raises
    ------
    CutoutsError
        Raised when another run has the directory, or the file is damaged, or
        absent where there must be one.
    """

    def __init__(self, directory: OutputDirectory, *, existing: bool = False) -> None:
        self._directory = directory
        directory.fetch(JOURNAL_NAME)
        self._path = directory.path / JOURNAL_NAME
        if existing and not self._path.exists():
            raise CutoutsError(f"{directory.name} is no directory of pictures: give the OUTDIR of a run.")
        if self._path.is_symlink():
            raise CutoutsError(
                f"Journal {self._path} is a symbolic link, which no run makes: choose another directory."
            )
        with self._explained():
            self._db = sqlite3.connect(self._path, timeout=0)
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            ((version,),) = self._db.execute("PRAGMA user_version")
            if version > _VERSION:
                raise CutoutsError(
                    f"Journal {self._path} was written by a newer version of this package (form {version}, "
                    f"known up to {_VERSION}): update the package, or choose another directory."
                )
            # A journal of an older form lacks tables at most, and gets them here.
            self._db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
            self._db.execute("CREATE TEMP TABLE seen (diaSourceId INTEGER PRIMARY KEY)")
        self._identity = self._identify()
        self._unwritten: list[SourceBatch] = []

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _own(self, path: str, *, is_own: Callable[[str], bool] = is_picture_path) -> str:
        """Return a path that the journal tells, if it is of the form that this package writes.

        Files are removed and listed by it, so that any other could harm what
        is not a run's own.
        """
        if not isinstance(path, str) or not is_own(path):
            raise CutoutsError(
                f"Journal {self._path} is damaged: it names {path!r}, which no run writes. Remove it to "
                "start anew."
            )
        return path

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise CutoutsError(
                    f"Another run is writing to {self._directory.name}: wait for it."
                ) from error
            raise CutoutsError(
                f"Journal {self._path} cannot be written: {error}. What was written before is safe: "
                "mend that and run the same command again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise CutoutsError(
                f"Journal {self._path} is damaged ({error}). Remove it to start anew."
            ) from error

    @contextmanager
    def changed(self) -> Iterator[sqlite3.Connection]:
        """Make some changes durable, or none of them; also for tables of other rooms.

        Yields
        ------
        db : `sqlite3.Connection`
            Takes the changes.

        Raises
        ------
        CutoutsError
            Raised when the disk does not take them, or the directory is gone.
        """
        self._directory.check()
        if (
            self._identify() != self._identity
        ):  # the open file takes rows without its name, and all would be lost
            raise CutoutsError(
                f"Journal {self._path} was removed or replaced while the run was working. The pictures made "
                "so far are there: run the same command again to enter them."
            )
        with self._explained(), self._db:
            for batch in self._unwritten:
                keep_rows(self._db, batch)
            yield self._db
        self._unwritten.clear()

    def rows(self, query: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; also of tables of other rooms.

        Parameters
        ----------
        query : `str`
            A query.
        *values : `str` or `int`
            Its parameters.

        Yields
        ------
        row : `tuple`
            A row.
        """
        with self._explained():
            yield from self._db.execute(query, values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        # The first error is the one to tell.
        with suppress(*() if kind is None else (CutoutsError,)):
            self._directory.save(JOURNAL_NAME, now=True)

    def save(self) -> None:
        """Send the journal of a remote directory, if it was not sent lately."""
        self._directory.save(JOURNAL_NAME)

    @property
    def settings(self) -> dict[str, str]:
        """The settings under which the pictures were made."""
        return dict(self.rows("SELECT name, value FROM setting"))

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Record the settings of the run.

        Parameters
        ----------
        settings : `Mapping` [`str`, `str`]
            All settings; those of earlier runs are replaced.
        """
        with self.changed() as db:
            db.execute("DELETE FROM setting")
            db.executemany("INSERT INTO setting VALUES (?, ?)", settings.items())

    def clear(self) -> None:
        """Forget every picture and every failure."""
        with self.changed() as db:
            db.execute("DELETE FROM picture")
            db.execute("DELETE FROM failure")
            db.execute("DELETE FROM catalogue")

    def new_in_this_run(self, ids: Iterable[int]) -> set[int]:
        """Return which sources have not been asked for since the journal was opened.

        Parameters
        ----------
        ids : iterable of `int`
            Sources; from now on they have been.

        Returns
        -------
        new : `set` [`int`]
            Those of them that come for the first time. They are kept on
            disk: a million would fill the memory of a small machine.
        """
        query = "INSERT OR IGNORE INTO seen SELECT value FROM json_each(?) RETURNING diaSourceId"
        with self._explained(), self._db:
            return {identifier for (identifier,) in self._db.execute(query, (json.dumps(list(ids)),))}

    def keep(self, batch: SourceBatch) -> None:
        """Keep whole rows of the catalogue, for those who look at the pictures.

        Parameters
        ----------
        batch : `SourceBatch`
            Sources that have a picture or are to get one; their rows replace
            those that were kept before. They are written with the next
            change, which saves waiting for the disk.
        """
        self._unwritten.append(batch)

    def done(self, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return which sources have a picture.

        Parameters
        ----------
        ids : iterable of `int`
            Sources to look for.

        Returns
        -------
        done : `dict` [`int`, `tuple` [`str`, `int`]]
            The path of the picture of each source that has one, and its
            size in bytes.
        """
        query = f"SELECT diaSourceId, path, size FROM picture WHERE diaSourceId IN {_AMONG}"
        rows = self.rows(query, json.dumps(list(ids)))
        return {identifier: (self._own(path), size) for identifier, path, size in rows}

    def failed(self, ids: Iterable[int]) -> set[int]:
        """Return which sources failed when they were last tried.

        Parameters
        ----------
        ids : iterable of `int`
            Sources to look for.

        Returns
        -------
        failed : `set` [`int`]
            Those of them that failed.
        """
        query = f"SELECT diaSourceId FROM failure WHERE diaSourceId IN {_AMONG}"
        return {identifier for (identifier,) in self.rows(query, json.dumps(list(ids)))}

    def record(self, outcomes: Iterable[Picture | Failure], kept: Collection[int] = ()) -> None:
        """Record what became of the sources of one batch, durably.

        Parameters
        ----------
        outcomes : iterable of `Picture` or `Failure`
            One per source; it replaces what was known of that source.
        kept : collection of `int`, optional
            Failures whose earlier picture stays.
        """
        pictures, failures = [], []
        for outcome in outcomes:
            place = outcome.data_id
            data_id = (None,) * 3 if place is None else (place.instrument, place.visit, place.detector)
            if isinstance(outcome, Picture):
                metadata = json.dumps(dict(outcome.metadata))
                pictures.append((outcome.diaSourceId, *data_id, outcome.path, outcome.size, metadata))
            else:
                failures.append((outcome.diaSourceId, *data_id, outcome.reason))
        with self.changed() as db:
            for row in pictures:
                db.execute("DELETE FROM failure WHERE diaSourceId = ?", row[:1])
                db.execute("INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            for row in failures:
                if row[0] not in kept:
                    db.execute("DELETE FROM picture WHERE diaSourceId = ?", row[:1])
                db.execute("INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?, ?)", row)
        self.save()

    def describe(self, metadata: Mapping[int, Mapping[str, str]]) -> None:
        """Replace the catalogue values of pictures that are done, and forget that they failed.

        Parameters
        ----------
        metadata : `Mapping`
            Values for the manifest, by column name, by diaSourceId.
        """
        rows = ((json.dumps(dict(values)), identifier) for identifier, values in metadata.items())
        with self.changed() as db:
            db.executemany("UPDATE picture SET metadata = ? WHERE diaSourceId = ?", rows)
            db.executemany("DELETE FROM failure WHERE diaSourceId = ?", ((i,) for i in metadata))

    def add_manifest(self, path: str) -> None:
        """Record that a file is to become a part of the manifest.

        Parameters
        ----------
        path : `str`
            Its path in the directory.
        """
        with self.changed() as db:
            db.execute("INSERT OR IGNORE INTO manifest VALUES (?)", (path,))

    def drop_manifest(self, path: str) -> None:
        """Record that a file is no part of the manifest any more.

        Parameters
        ----------
        path : `str`
            Its path in the directory.
        """
        with self.changed() as db:
            db.execute("DELETE FROM manifest WHERE path = ?", (path,))

    def manifests(self) -> set[str]:
        """Return the files of the manifest, and those that are no part of it any more but may be there."""
        return {self._own(path, is_own=is_list_path) for (path,) in self.rows("SELECT path FROM manifest")}

    def counts(self) -> tuple[int, int]:
        """Return how many pictures there are, and how many failures."""
        ((pictures,),) = self.rows("SELECT count(*) FROM picture")
        ((failures,),) = self.rows("SELECT count(*) FROM failure")
        return pictures, failures

    def has_pictures(self, number: int = 1) -> bool:
        """Return whether there are as many pictures, at least.

        Parameters
        ----------
        number : `int`, optional
            How many; a small one is found out faster than by counting all.

        Returns
        -------
        has : `bool`
            Whether there are.
        """
        return any(self.rows("SELECT 1 FROM picture LIMIT 1 OFFSET ?", number - 1))

    def most_in_a_folder(self) -> int:
        """Return how many pictures the folder has that has most."""
        query = f"SELECT count(*) AS number FROM picture GROUP BY {_FOLDER} ORDER BY number DESC LIMIT 1"
        return next((number for (number,) in self.rows(query)), 0)

    def names_of_metadata(self) -> list[str]:
        """Return every column name that the metadata of a picture has, sorted."""
        query = "SELECT DISTINCT value.key FROM picture, json_each(picture.metadata) AS value ORDER BY 1"
        return [name for (name,) in self.rows(query)]

    def pictures(self, *, by_folder: bool = False) -> Iterator[Picture]:
        """Yield every picture by visit, detector and diaSourceId.

        Parameters
        ----------
        by_folder : `bool`, optional
            Whether to order them by their folder and diaSourceId alone.

        Yields
        ------
        picture : `Picture`
            One picture.
        """
        query = (
            "SELECT diaSourceId, instrument, visit, detector, path, size, metadata FROM picture ORDER BY "
            + (f"{_FOLDER}, diaSourceId" if by_folder else "visit, detector, diaSourceId")
        )
        for identifier, instrument, visit, detector, path, size, metadata in self.rows(query):
            data_id = DetectorVisit(instrument, visit, detector)
            yield Picture(identifier, data_id, self._own(path), size, json.loads(metadata))

    def failures(self) -> Iterator[Failure]:
        """Yield every failure by visit, detector and diaSourceId."""
        query = (
            "SELECT diaSourceId, instrument, visit, detector, reason FROM failure"
            " ORDER BY visit, detector, diaSourceId"
        )
        for identifier, instrument, visit, detector, reason in self.rows(query):
            data_id = None if instrument is None else DetectorVisit(instrument, visit, detector)
            yield Failure(identifier, data_id, reason)
