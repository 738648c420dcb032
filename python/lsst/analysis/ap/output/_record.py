"""What a run has left in a directory, for those who come after it: to look at it, or to work on."""

__all__ = ("DirectoryRecord", "holds_pictures", "open_existing", "read_record")

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError
from ..messages import no_such
from ._directory import PICTURE_PATH, OutputDirectory
from ._journal import JOURNAL_NAME, Journal
from ._journal_tables import join_rows, typed, unpack_rows
from ._remote import is_uri, open_directory


@contextmanager
def open_existing(place: str | os.PathLike[str]) -> Iterator[tuple[OutputDirectory, Journal]]:
    """Open a directory that a run has filled.

    Yields: its journal; while it is open no run can write to the directory. Raises `CutoutsError` when there
    is no such directory, or no run has filled it.
    """
    if not is_uri(place) and not Path(place).is_dir():
        raise CutoutsError(f"{no_such('directory', place)} Give the OUTDIR of a run.")
    with open_directory(place) as directory, Journal(directory, existing=True) as journal:
        yield directory, journal


@dataclass(frozen=True, slots=True, eq=False)
class DirectoryRecord:
    """The pictures of a directory, and what the catalogue says of each."""

    settings: dict[str, str]
    """How the pictures were made, as text by name."""
    paths: tuple[str, ...]
    """Where each picture is, relative to the directory."""
    rows: pa.Table
    """One row for each picture, in the same order: by visit, detector and ``diaSourceId``."""


def holds_pictures(path: Path) -> bool:
    """Return whether a directory is one of pictures.

    ``path``: a directory, or anything else. Returns: whether a run left its journal there.
    """
    return (path / JOURNAL_NAME).is_file()


def read_record(path: Path) -> DirectoryRecord:
    """Read what a run left in a directory, without changing anything.

    Returns: its pictures and their rows. Of pictures that an older version made, only the columns of the
    manifest are known. Raises `CutoutsError` when there are no pictures, or a run is at work.
    """
    if not path.is_dir():
        raise CutoutsError(no_such("directory", path))
    if not holds_pictures(path):
        raise CutoutsError(f"{path} holds no pictures of zooniverseCutouts: name a directory that it wrote.")
    journal = (path / JOURNAL_NAME).absolute()
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=0)) as db:
            settings = dict(db.execute("SELECT name, value FROM setting"))
            pictures = db.execute(
                "SELECT diaSourceId, instrument, visit, detector, path, metadata FROM picture "
                "WHERE path != '' ORDER BY visit, detector, diaSourceId"
            ).fetchall()
            known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'catalogue'").fetchone()
            packed = db.execute("SELECT rows FROM catalogue").fetchall() if known else []
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise CutoutsError(f"A run is writing to {path}: wait for it.") from error
        raise CutoutsError(
            f"Journal {journal} cannot be read ({error}). Run the command that made the pictures again."
        ) from error
    except sqlite3.DatabaseError as error:
        raise CutoutsError(f"Journal {journal} is damaged ({error}). Make the pictures again.") from error
    for row in pictures:
        if not isinstance(row[4], str) or not PICTURE_PATH.fullmatch(row[4]):
            raise CutoutsError(f"Journal {journal} is damaged: it names {row[4]!r}, which no run writes.")
    if not pictures:
        raise CutoutsError(f"{path} holds no pictures yet: its run made none.")
    return DirectoryRecord(settings, tuple(row[4] for row in pictures), _rows(pictures, packed))


def _rows(pictures: Sequence[tuple[Any, ...]], packed: Sequence[tuple[bytes]]) -> pa.Table:
    ids = pa.array([row[0] for row in pictures], pa.int64())
    tables = [unpack_rows(content) for (content,) in packed]
    kept = pa.concat_arrays(
        [t.column("diaSourceId").cast(pa.int64()).combine_chunks() for t in tables] or [ids[:0]]
    )
    old = pc.invert(pc.is_in(ids, kept)).to_pylist()
    if any(old):
        tables.append(_described([row for row, is_old in zip(pictures, old, strict=True) if is_old]))
    table = join_rows(tables)
    return table.take(pc.index_in(ids, table.column("diaSourceId").cast(pa.int64()).combine_chunks()))


def _described(pictures: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Return what the manifest's columns say of pictures whose rows were not kept."""
    metadata = [json.loads(row[5]) for row in pictures]
    columns: dict[str, pa.Array] = {
        "diaSourceId": pa.array([row[0] for row in pictures], pa.int64()),
        "instrument": pa.array([row[1] for row in pictures], pa.string()),
        "visit": pa.array([row[2] for row in pictures], pa.int64()),
        "detector": pa.array([row[3] for row in pictures], pa.int64()),
    }
    for name in sorted({name for values in metadata for name in values} - columns.keys()):
        columns[name] = typed(pa.array([values.get(name) for values in metadata], pa.string()))
    return pa.table(columns)
