"""The durable record of what a directory holds and how it was made."""

__all__ = ("JOURNAL_NAME", "Journal")

import json
import os
import secrets
import sqlite3
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, Self

from ..domain import CutoutsError, DetectorVisit, SourceBatch
from ._directory import LIST_PATH, OutputDirectory
from ._journal_tables import FOLDER, connect, describe, order_by, own, pack_rows, rows_of, what_happened
from ._pictures import Failure, Picture

JOURNAL_NAME: Final = ".journal.sqlite3"
"""Name of the file."""

_AT_A_TIME: Final = 5000
"""How many pictures are described at a time."""

_SECONDS: Final = 1.0
"""For how long outcomes may wait for the disk: it takes longer over a commit than one picture does."""

_AMONG: Final = "(SELECT value FROM json_each(?))"


class Journal:
    """What is done, what failed, and under which settings, in one SQLite file.

    It is committed after a batch, when its pictures have their names, or with a batch that follows within a
    second: a picture that the journal knows exists whole, and one that it does not know is made again. While
    it is open no other run can write to the same local directory; a remote one notices others when it sends
    its journal. Use it as a context manager.

    ``existing``: whether there must be one already. Raises `CutoutsError` when another run has the directory,
    or the file is damaged, or absent where there must be one.
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
            self._db = connect(self._path)
            self._status = self._path.stat()
        self._run = 0
        self._due = 0.0  # when to commit outcomes
        # What goes with the next change, which saves waiting for the disk: rows by detector, and the
        # metadata of pictures. They go together: rows that are there are not described again.
        self._rows: dict[tuple[str, int, int], bytes] = {}
        self._described: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # The first error is the one to tell.
        with suppress(*() if kind is None else (CutoutsError,)):
            with closing(self._db), self._explained():
                self._db.commit()
            self._directory.save(JOURNAL_NAME, now=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise CutoutsError(what_happened(error, self._path, self._directory.name)) from error

    @contextmanager
    def changed(self, *, soon: bool = False) -> Iterator[sqlite3.Connection]:
        """Make some changes durable, or none of them; also for tables of other rooms.

        ``soon``: whether they may wait for others, so that a kill of the process undoes them. Raises
        `CutoutsError` when the disk does not take them, or the directory is gone.
        """
        if not self._is_there():  # the open file takes rows without its name, and all would be lost
            self._directory.check()
            raise CutoutsError(
                f"Journal {self._path} was removed or replaced while the run was working. The pictures made "
                "so far are there: run the same command again to enter them."
            )
        db = self._db
        with self._explained():
            try:
                describe(db, self._rows, self._described)
                yield db
                if not soon or time.monotonic() >= self._due:
                    db.commit()
                    self._due = time.monotonic() + _SECONDS
            except BaseException:
                db.rollback()
                raise
        self._rows.clear()
        self._described.clear()

    def _is_there(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(self._path.stat(), self._status)
        return False

    def rows(self, query: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; also of tables of other rooms."""
        with self._explained():
            yield from self._db.execute(query, values)

    def _settled(self, query: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, after what waits for the next change has been written."""
        if self._rows or self._described:
            with self.changed():
                pass
        return self.rows(query, *values)

    def save(self) -> None:
        """Send the journal of a remote directory, if it was not sent lately."""
        self._directory.save(JOURNAL_NAME)

    def clear(self) -> None:
        """Forget every picture, every failure and every run."""
        with self.changed() as db:
            for table in ("picture", "failure", "catalogue", "place", "run"):
                db.execute(f"DELETE FROM {table}")

    @property
    def settings(self) -> dict[str, str]:
        """The settings under which the pictures were made."""
        return dict(self.rows("SELECT name, value FROM setting"))

    def begin_run(self, settings: Mapping[str, str], facts: Mapping[str, object] | None = None) -> None:
        """Record that a run has begun, under settings that replace those of earlier runs.

        ``facts``: what should be known of it besides, as far as JSON can tell it.
        """
        began = {"began": datetime.now(UTC).isoformat(timespec="seconds"), **(facts or {})}
        with self.changed() as db:
            db.execute("DELETE FROM setting")
            db.executemany("INSERT INTO setting VALUES (?, ?)", settings.items())
            added = db.execute("INSERT INTO run (facts) VALUES (?) RETURNING number", (json.dumps(began),))
            ((self._run,),) = added

    def end_run(self, facts: Mapping[str, object]) -> None:
        """Record what came of the run that has begun."""
        with self.changed() as db:
            values = json.dumps(facts), self._run
            db.execute("UPDATE run SET facts = json_patch(facts, ?) WHERE number = ?", values)

    def runs(self) -> list[dict[str, object]]:
        """Return what is known of each run into the directory, the first one first."""
        return [json.loads(facts) for (facts,) in self.rows("SELECT facts FROM run ORDER BY number")]

    def secret(self) -> bytes:
        """Return what keys are made with: random, made once, and told to nobody."""
        with self.changed() as db:
            query = "INSERT INTO secret SELECT ? WHERE NOT EXISTS (SELECT 1 FROM secret)"
            db.execute(query, (secrets.token_bytes(32),))
        ((value,),) = self.rows("SELECT value FROM secret")
        return bytes(value)

    def add_manifest(self, path: str) -> None:
        """Record that a file is to become a part of the manifest."""
        with self.changed() as db:
            db.execute("INSERT OR IGNORE INTO manifest VALUES (?)", (path,))

    def drop_manifests(self, paths: Iterable[str]) -> None:
        """Record that files are no part of the manifest any more."""
        with self.changed() as db:
            db.executemany("DELETE FROM manifest WHERE path = ?", [(path,) for path in paths])

    def manifests(self) -> set[str]:
        """Return the files of the manifest, and those that are no part of it any more but may be there."""
        return {own(path, self._path, LIST_PATH) for (path,) in self.rows("SELECT path FROM manifest")}

    def new_in_this_run(self, ids: Iterable[int]) -> set[int]:
        """Return which sources have not been asked for since the journal was opened.

        From now on they have been. They are kept on disk: a million would fill the memory of a small machine.
        """
        query = "INSERT OR IGNORE INTO seen SELECT value FROM json_each(?) RETURNING diaSourceId"
        with self._explained():
            return {identifier for (identifier,) in self._db.execute(query, (json.dumps(list(ids)),))}

    def keep(self, batch: SourceBatch, columns: Sequence[str] = ()) -> bool:
        """Keep whole rows of the catalogue, for those who look at the pictures, with the next change.

        ``batch``: sources that have a picture or are to get one. ``columns``: what the manifest wants to know
        of them. Returns: whether pictures that are there are to be described by these rows: they are not the
        same as before, or the manifest knew other columns.
        """
        if batch.data_id is None:  # they have no picture, or bring their stamps
            return True
        place = (batch.data_id.instrument, batch.data_id.visit, batch.data_id.detector)
        query = "SELECT rows FROM catalogue WHERE instrument = ? AND visit = ? AND detector = ?"
        earlier = self._rows.get(place) or next((packed for (packed,) in self.rows(query, *place)), None)
        packed, is_new = pack_rows(batch.rows, columns, earlier)
        if packed != earlier:
            self._rows[place] = packed
        return is_new

    def places(self, ids: Sequence[int]) -> dict[int, int]:
        """Return the running numbers of sources, from 0, durably, in the order in which they first came."""
        with self.changed() as db:
            rows = [(identifier,) for identifier in ids]
            db.executemany("INSERT OR IGNORE INTO place (diaSourceId) VALUES (?)", rows)
        query = f"SELECT diaSourceId, number - 1 FROM place WHERE diaSourceId IN {_AMONG}"
        return dict(self.rows(query, json.dumps(ids)))

    def done(self, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Return the path of the picture of each source that has one, and its size in bytes."""
        query = f"SELECT diaSourceId, path, size FROM picture WHERE diaSourceId IN {_AMONG}"
        rows = self.rows(query, json.dumps(list(ids)))
        return {identifier: (own(path, self._path), size) for identifier, path, size in rows}

    def failed(self, ids: Iterable[int]) -> set[int]:
        """Return which of some sources failed when they were last tried."""
        query = f"SELECT diaSourceId FROM failure WHERE diaSourceId IN {_AMONG}"
        return {identifier for (identifier,) in self._settled(query, json.dumps(list(ids)))}

    def record(self, outcomes: Iterable[Picture | Failure], kept: Collection[int] = ()) -> None:
        """Record what became of the sources of one batch; it replaces what was known of them.

        It is durable within a second of work, or when the journal is closed; at once where files are sent to
        a server. ``kept``: failures whose earlier picture stays.
        """
        pictures, failures = rows_of(outcomes)
        with self.changed(soon=self._directory.is_local) as db:  # others are sent with what is committed
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
            with self.changed():
                pass

    def counts(self) -> tuple[int, int]:
        """Return how many pictures there are, and how many failures."""
        ((pictures, failures),) = self._settled(
            "SELECT (SELECT count(*) FROM picture), (SELECT count(*) FROM failure)"
        )
        return pictures, failures

    def has_pictures(self, number: int = 1) -> bool:
        """Return whether there are at least so many; a small number is found out faster than by counting."""
        return any(self.rows("SELECT 1 FROM picture LIMIT 1 OFFSET ?", number - 1))

    def most_in_a_folder(self) -> int:
        """Return how many pictures the folder has that has most."""
        query = f"SELECT count(*) AS number FROM picture GROUP BY {FOLDER} ORDER BY number DESC LIMIT 1"
        return next((number for (number,) in self.rows(query)), 0)

    def marked_columns(self) -> list[str]:
        """Return the columns of metadata whose own names have one of Zooniverse's prefixes, sorted."""
        mark = "(substr(value.key, 1, 1) IN ('#', '!', '%') OR substr(value.key, 1, 2) = '//')"
        names = "SELECT DISTINCT value.key FROM picture, json_each(metadata) AS value"
        return [name for (name,) in self._settled(f"{names} WHERE {mark} ORDER BY 1")]

    def pictures(self, *, by_folder: bool = False, seed: int | None = None) -> Generator[Picture]:
        """Yield every picture by visit, detector and diaSourceId.

        ``by_folder``: by folder and diaSourceId instead. ``seed``: of a random order within the folder.
        """
        order = order_by(by_folder, seed)
        for row in self._settled(f"SELECT * FROM picture {order}"):
            identifier, instrument, visit, detector, path, size, metadata = row
            data_id = None if visit is None else DetectorVisit(instrument, visit, detector)
            yield Picture(identifier, data_id, own(path, self._path), size, json.loads(metadata))

    def identifiers(self, *, by_folder: bool = False, seed: int | None = None) -> Iterator[int]:
        """Yield the diaSourceId of every picture, in the order of `pictures`."""
        query = f"SELECT diaSourceId FROM picture {order_by(by_folder, seed)}"
        return (identifier for (identifier,) in self.rows(query))

    def failures(self) -> Iterator[Failure]:
        """Yield every failure by visit, detector and diaSourceId."""
        for row in self._settled("SELECT * FROM failure ORDER BY visit, detector, diaSourceId"):
            identifier, instrument, visit, detector, reason = row
            data_id = None if instrument is None else DetectorVisit(instrument, visit, detector)
            yield Failure(identifier, data_id, reason)
