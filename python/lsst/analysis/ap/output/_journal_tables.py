"""What stands in the tables of a journal, how they are opened and read, and what can happen to their file."""

__all__ = (
    "FOLDER",
    "connect",
    "describe",
    "join_rows",
    "order_by",
    "own",
    "pack_rows",
    "rows_of",
    "typed",
    "unpack_rows",
    "what_happened",
)

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..domain import CutoutsError
from ._directory import PICTURE_PATH
from ._manifest import texts_of
from ._pictures import Failure, Picture

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS manifest (path TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS run (number INTEGER PRIMARY KEY, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS secret (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS picture (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER,
    path TEXT NOT NULL, size INTEGER NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS failure (
    diaSourceId INTEGER PRIMARY KEY, instrument TEXT, visit INTEGER, detector INTEGER, reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS place (number INTEGER PRIMARY KEY, diaSourceId INTEGER UNIQUE);
CREATE TABLE IF NOT EXISTS catalogue (
    instrument TEXT, visit INTEGER, detector INTEGER, rows BLOB NOT NULL,
    PRIMARY KEY (instrument, visit, detector)
);
"""

FOLDER: Final = "rtrim(path, replace(path, '/', ''))"
"""The folder of a picture, with its slash."""

_CODEC: Final = "zstd"
_COLUMNS: Final = b"manifest"
"""What the manifest knows of the sources, in the metadata of the schema."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file of a journal, which nobody else can open until it is closed, and make what it lacks."""
    db = sqlite3.connect(path, timeout=0)
    db.create_function("shuffled", 2, _shuffled, deterministic=True)
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
    db.executescript("BEGIN EXCLUSIVE; COMMIT;")
    ((version,),) = db.execute("PRAGMA user_version")
    if version > _VERSION:
        raise CutoutsError(
            f"Journal {path} was written by a newer version of this package (form {version}, known up to "
            f"{_VERSION}): update the package, or choose another directory."
        )
    # A journal of an older form lacks tables at most, and gets them here.
    db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
    db.execute("CREATE TEMP TABLE seen (diaSourceId INTEGER PRIMARY KEY)")
    return db


def order_by(by_folder: bool, seed: int | None) -> str:
    """Return how pictures are to be sorted."""
    detectors = "visit, detector, " if seed is None and not by_folder else ""
    shuffled = "" if seed is None else f"shuffled({int(seed)}, diaSourceId), "
    return f"ORDER BY {f'{FOLDER}, ' if by_folder else ''}{detectors}{shuffled}diaSourceId"


def _shuffled(seed: int, diaSourceId: int) -> bytes:
    """Return what random orders sort by.

    Returns: it depends on nothing else, so that sources that come later fall among those that are there,
    whose order stays.
    """
    return hashlib.blake2b(f"{seed} {diaSourceId}".encode(), digest_size=8).digest()


def rows_of(
    outcomes: Iterable[Picture | Failure],
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the rows of some outcomes in the tables of pictures and of failures."""
    pictures: list[tuple[Any, ...]] = []
    failures: list[tuple[Any, ...]] = []
    for outcome in outcomes:
        place = outcome.data_id
        data_id = (None,) * 3 if place is None else (place.instrument, place.visit, place.detector)
        if isinstance(outcome, Picture):
            metadata = json.dumps(dict(outcome.metadata))
            pictures.append((outcome.diaSourceId, *data_id, outcome.path, outcome.size, metadata))
        else:
            failures.append((outcome.diaSourceId, *data_id, outcome.reason))
    return pictures, failures


def describe(
    db: sqlite3.Connection, rows: Mapping[tuple[str, int, int], bytes], described: Mapping[int, str]
) -> None:
    """Enter rows of the catalogue by detector, and metadata of pictures that are there and did not fail."""
    packed = [(*place, row) for place, row in rows.items()]
    db.executemany("INSERT OR REPLACE INTO catalogue VALUES (?, ?, ?, ?)", packed)
    texts = [(text, identifier) for identifier, text in described.items()]
    db.executemany("UPDATE picture SET metadata = ? WHERE diaSourceId = ?", texts)
    db.executemany("DELETE FROM failure WHERE diaSourceId = ?", [text[1:] for text in texts])


def own(path: str, journal: Path, form: re.Pattern[str] = PICTURE_PATH) -> str:
    """Return a path that a journal tells, if it is of the form that this package writes.

    Files are removed and listed by it, so that any other could harm what is not a run's own.
    """
    is_none = path == "" and form is PICTURE_PATH  # a run left stamps alone
    if not is_none and (not isinstance(path, str) or not form.fullmatch(path)):
        raise CutoutsError(
            f"Journal {journal} is damaged: it names {path!r}, which no run writes. Remove it to start anew."
        )
    return path


def what_happened(error: sqlite3.DatabaseError, path: Path, name: str) -> str:
    """Return what an error of a journal at ``path`` means, and what to do; ``name``: its directory."""
    if not isinstance(error, sqlite3.OperationalError):
        return f"Journal {path} is damaged ({error}). Remove it to start anew."
    if "locked" in str(error):
        return f"Another run is writing to {name}: wait for it."
    return (
        f"Journal {path} cannot be written: {error}. What was written before is safe: mend that and run the "
        "same command again."
    )


def pack_rows(rows: pa.Table, columns: Sequence[str], packed: bytes | None) -> tuple[bytes, bool]:
    """Pack rows of one detector, and find out whether they tell anything new.

    ``columns``: what the manifest wants to know of them. ``packed``: rows that were packed before: those of
    other sources stay. Returns: all rows, and whether any of the given ones, or what the manifest knows of
    it, was not there.
    """
    new = _pack(rows, columns)
    if packed is None or new == packed:
        return new, packed is None
    earlier = _unpack(packed)
    stale = np.isin(earlier.column("diaSourceId").to_numpy(), rows.column("diaSourceId").to_numpy())
    if stale.all():
        return new, True
    if is_new := (earlier.schema.metadata or {}).get(_COLUMNS) != json.dumps(columns).encode():
        columns = ()  # the manifest knows other things of the other sources
    rows = join_rows([earlier.filter(pa.array(~stale)), rows])
    new = _pack(rows.sort_by("diaSourceId"), columns)
    return new, is_new or new != packed


def _pack(rows: pa.Table, columns: Sequence[str]) -> bytes:
    # What pandas says of itself is longer than the rows.
    rows = rows.replace_schema_metadata({_COLUMNS: json.dumps(columns)}).combine_chunks()
    # Compressed as a whole: the fifty rows of a detector take a quarter of what Parquet makes of them,
    # which compresses each of a hundred columns by itself.
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    content = sink.getvalue()
    size: bytes = content.size.to_bytes(8, "little")
    compressed: bytes = pa.compress(content, _CODEC, asbytes=True)
    return size + compressed


def unpack_rows(packed: bytes) -> pa.Table:
    """Return the rows that were packed.

    ``packed``: what the column ``rows`` of the table holds.
    """
    return _unpack(packed).replace_schema_metadata()


def _unpack(packed: bytes) -> pa.Table:
    content = pa.decompress(packed[8:], int.from_bytes(packed[:8], "little"), _CODEC)
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()


def join_rows(tables: list[pa.Table]) -> pa.Table:
    """Put tables together whose columns may differ, as those of two runs.

    Returns: all rows; a column is null where a table has none, and text where the tables do not agree on its
    type.
    """
    with suppress(pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.concat_tables(tables, promote_options="permissive")
    for name in {name for table in tables for name in table.column_names}:
        columns = [table.select([name]) for table in tables if name in table.column_names]
        try:
            pa.concat_tables(columns, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            tables = [_with_text(table, name) for table in tables]
    return pa.concat_tables(tables, promote_options="permissive")


def _with_text(table: pa.Table, name: str) -> pa.Table:
    if (place := table.schema.get_field_index(name)) < 0:
        return table
    return table.set_column(place, name, pa.array(texts_of(table.column(place)), pa.string()))


def typed[Texts: (pa.Array, pa.ChunkedArray)](values: Texts) -> Texts:
    """Return what texts stand for, where all of them are of one kind: numbers, or true and false."""
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            return values.cast(kind)
        except pa.ArrowInvalid:
            continue
    return values
