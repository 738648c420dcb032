"""The durable record of what a directory holds and how it was made."""

__all__ = ("Journal",)

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from ..domain import CutoutsError, DetectorVisit, SourceBatch
from ._directory import OutputDirectory
from ._journal_runs import RUNS, JournalOfRuns
from ._order import shuffled
from ._outcomes import Failure, Picture
from ._rows import CATALOGUE, pack_rows

_VERSION: Final = 1
_SCHEMA: Final = f"""
{RUNS}CREATE TABLE IF NOT EXISTS picture (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER,
    path TEXT NOT NULL, size INTEGER NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS failure (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS place (number INTEGER PRIMARY KEY, diaSourceId INTEGER UNIQUE);
{CATALOGUE}
"""
_AT_A_TIME: Final = 5000
"""How many pictures are described at a time."""

_AMONG: Final = "(SELECT value FROM json_each(?))"
_FOLDER: Final = "rtrim(path, replace(path, '/', ''))"


class Journal(JournalOfRuns):
    """What is done, what failed, and under which settings, in one SQLite file.

    It is committed once per batch, after the pictures of that batch have their names: a picture that the
    journal knows exists whole, and one that it does not know is made again. While it is open no other run can
    write to the same local directory; a remote one notices others when it sends its journal. Use it as a
    context manager.

    ``existing``: whether there must be one already. Raises `CutoutsError` when another run has the directory,
    or the file is damaged, or absent where there must be one.
    """

    def __init__(self, directory: OutputDirectory, *, existing: bool = False) -> None:
        super().__init__(directory, existing=existing)
        with self._explained():
            self._db.create_function("shuffled", 2, shuffled, deterministic=True)
            ((version,),) = self._db.execute("PRAGMA user_version")
            if version > _VERSION:
                raise CutoutsError(
                    f"Journal {self._path} was written by a newer version of this package (form {version}, "
                    f"known up to {_VERSION}): update the package, or choose another directory."
                )
            # A journal of an older form lacks tables at most, and gets them here.
            self._db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
            self._db.execute("CREATE TEMP TABLE seen (diaSourceId INTEGER PRIMARY KEY)")
        # What goes with the next change, which saves waiting for the disk: rows by detector, and the
        # metadata of pictures. They go together: rows that are there are not described again.
        self._rows: dict[tuple[str, int, int], bytes] = {}
        self._described: dict[int, str] = {}

    @contextmanager
    def changed(self) -> Iterator[sqlite3.Connection]:
        # Docstring inherited.
        with super().changed() as db:
            rows = [(*place, packed) for place, packed in self._rows.items()]
            db.executemany("INSERT OR REPLACE INTO catalogue VALUES (?, ?, ?, ?)", rows)
            texts = [(text, identifier) for identifier, text in self._described.items()]
            db.executemany("UPDATE picture SET metadata = ? WHERE diaSourceId = ?", texts)
            db.executemany("DELETE FROM failure WHERE diaSourceId = ?", [text[1:] for text in texts])
            yield db
        self._rows.clear()
        self._described.clear()

    def _settle(self) -> None:
        """Make durable what waits for the next change."""
        if self._rows or self._described:
            with self.changed():
                pass

    def clear(self) -> None:
        """Forget every picture, every failure and every run."""
        with self.changed() as db:
            for table in ("picture", "failure", "catalogue", "place", "run"):
                db.execute(f"DELETE FROM {table}")

    def new_in_this_run(self, ids: Iterable[int]) -> set[int]:
        """Return which sources have not been asked for since the journal was opened.

        ``ids``: sources; from now on they have been. Returns: those of them that come for the first time.
        They are kept on disk: a million would fill the memory of a small machine.
        """
        query = "INSERT OR IGNORE INTO seen SELECT value FROM json_each(?) RETURNING diaSourceId"
        with self._explained(), self._db:
            return {identifier for (identifier,) in self._db.execute(query, (json.dumps(list(ids)),))}

    def keep(self, batch: SourceBatch, columns: Sequence[str] = ()) -> bool:
        """Keep whole rows of the catalogue, for those who look at the pictures.

        ``batch``: sources that have a picture or are to get one; their rows replace those that were kept
        before, with the next change. Those without images are not kept: they have no picture. ``columns``:
        what the manifest wants to know of them. Returns: whether pictures that are there are to be described
        by these rows: they are not the same as before, or the manifest knew other columns.
        """
        if batch.data_id is None:
            return True
        place = (batch.data_id.instrument, batch.data_id.visit, batch.data_id.detector)
        query = "SELECT rows FROM catalogue WHERE instrument = ? AND visit = ? AND detector = ?"
        earlier = self._rows.get(place) or next((packed for (packed,) in self.rows(query, *place)), None)
        packed, is_new = pack_rows(batch.rows, columns, earlier)
        if packed != earlier:
            self._rows[place] = packed
        return is_new

    def places(self, ids: Iterable[int]) -> dict[int, int]:
        """Return the running numbers of sources, durably, in the order in which they first came.

        ``ids``: sources; those that have no number yet get the next ones. Returns: the number of each, from
        0.
        """
        ids = list(ids)
        with self.changed() as db:
            rows = [(identifier,) for identifier in ids]
            db.executemany("INSERT OR IGNORE INTO place (diaSourceId) VALUES (?)", rows)
        query = f"SELECT diaSourceId, number - 1 FROM place WHERE diaSourceId IN {_AMONG}"
        return dict(self.rows(query, json.dumps(ids)))

    def done(self, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return which sources have a picture.

        Returns: the path of the picture of each source that has one, and its size in bytes.
        """
        query = f"SELECT diaSourceId, path, size FROM picture WHERE diaSourceId IN {_AMONG}"
        rows = self.rows(query, json.dumps(list(ids)))
        return {identifier: (self._own(path), size) for identifier, path, size in rows}

    def failed(self, ids: Iterable[int]) -> set[int]:
        """Return which sources failed when they were last tried."""
        self._settle()
        query = f"SELECT diaSourceId FROM failure WHERE diaSourceId IN {_AMONG}"
        return {identifier for (identifier,) in self.rows(query, json.dumps(list(ids)))}

    def record(self, outcomes: Iterable[Picture | Failure], kept: Collection[int] = ()) -> None:
        """Record what became of the sources of one batch, durably.

        ``outcomes``: one per source; it replaces what was known of that source. ``kept``: failures whose
        earlier picture stays.
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
            gone = [row[:1] for row in failures if row[0] not in kept]
            db.executemany("DELETE FROM failure WHERE diaSourceId = ?", [row[:1] for row in pictures])
            db.executemany("INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?, ?, ?, ?)", pictures)
            db.executemany("DELETE FROM picture WHERE diaSourceId = ?", gone)
            db.executemany("INSERT OR REPLACE INTO failure VALUES (?, ?, ?, ?, ?)", failures)
        self.save()

    def describe(self, metadata: Mapping[int, Mapping[str, str]]) -> None:
        """Replace the catalogue values of pictures that are done, and forget that they failed.

        ``metadata``: values for the manifest, by column name, by diaSourceId.
        """
        self._described.update((identifier, json.dumps(dict(text))) for identifier, text in metadata.items())
        if len(self._described) > _AT_A_TIME:
            self._settle()

    def counts(self) -> tuple[int, int]:
        """Return how many pictures there are, and how many failures."""
        self._settle()
        ((pictures,),) = self.rows("SELECT count(*) FROM picture")
        ((failures,),) = self.rows("SELECT count(*) FROM failure")
        return pictures, failures

    def has_pictures(self, number: int = 1) -> bool:
        """Return whether there are as many pictures, at least.

        ``number``: how many; a small one is found out faster than by counting all.
        """
        return any(self.rows("SELECT 1 FROM picture LIMIT 1 OFFSET ?", number - 1))

    def most_in_a_folder(self) -> int:
        """Return how many pictures the folder has that has most."""
        query = f"SELECT count(*) AS number FROM picture GROUP BY {_FOLDER} ORDER BY number DESC LIMIT 1"
        return next((number for (number,) in self.rows(query)), 0)

    def marked_columns(self) -> list[str]:
        """Return the columns of metadata whose own names have one of Zooniverse's prefixes, sorted."""
        self._settle()
        mark = "(substr(value.key, 1, 1) IN ('#', '!', '%') OR substr(value.key, 1, 2) = '//')"
        names = "SELECT DISTINCT value.key FROM picture, json_each(metadata) AS value"
        return [name for (name,) in self.rows(f"{names} WHERE {mark} ORDER BY 1")]

    def pictures(self, *, by_folder: bool = False, seed: int | None = None) -> Iterator[Picture]:
        """Yield every picture by visit, detector and diaSourceId.

        ``by_folder``: whether to order them by their folder first, and by diaSourceId. ``seed``: which random
        order they are to have, within their folder.
        """
        self._settle()
        columns = "diaSourceId, instrument, visit, detector, path, size, metadata"
        query = f"SELECT {columns} FROM picture {_order(by_folder, seed)}"
        for identifier, instrument, visit, detector, path, size, metadata in self.rows(query):
            data_id = None if visit is None else DetectorVisit(instrument, visit, detector)
            yield Picture(identifier, data_id, self._own(path), size, json.loads(metadata))

    def identifiers(self, *, by_folder: bool = False, seed: int | None = None) -> Iterator[int]:
        """Yield the diaSourceId of every picture, in the order of `pictures`."""
        for (identifier,) in self.rows(f"SELECT diaSourceId FROM picture {_order(by_folder, seed)}"):
            yield identifier

    def failures(self) -> Iterator[Failure]:
        """Yield every failure by visit, detector and diaSourceId."""
        query = (
            "SELECT diaSourceId, instrument, visit, detector, reason FROM failure"
            " ORDER BY visit, detector, diaSourceId"
        )
        self._settle()
        for identifier, instrument, visit, detector, reason in self.rows(query):
            data_id = None if instrument is None else DetectorVisit(instrument, visit, detector)
            yield Failure(identifier, data_id, reason)


def _order(by_folder: bool, seed: int | None) -> str:
    """Return how pictures are to be sorted."""
    detectors = "visit, detector, " if seed is None and not by_folder else ""
    shuffled = "" if seed is None else f"shuffled({int(seed)}, diaSourceId), "
    return f"ORDER BY {f'{_FOLDER}, ' if by_folder else ''}{detectors}{shuffled}diaSourceId"
