"""Whole rows of the catalogue in the journal, packed by detector."""

__all__ = ("CATALOGUE", "join_rows", "keep_rows", "typed", "unpack_rows")

import sqlite3
from typing import Final

import numpy as np
import pyarrow as pa

from ..domain import SourceBatch
from ._metadata import texts_of

CATALOGUE: Final = """
CREATE TABLE IF NOT EXISTS catalogue (
    instrument TEXT, visit INTEGER, detector INTEGER, rows BLOB NOT NULL,
    PRIMARY KEY (instrument, visit, detector)
);
"""
"""The table that holds them."""

_CODEC: Final = "zstd"


def keep_rows(db: sqlite3.Connection, batch: SourceBatch) -> None:
    """Keep the rows of a batch.

    Parameters
    ----------
    db : `sqlite3.Connection`
        A journal.
    batch : `SourceBatch`
        Sources; each replaces an earlier row with its ``diaSourceId``. Those
        without images are left out: they have no picture.
    """
    if batch.data_id is None:
        return
    place = (batch.data_id.instrument, batch.data_id.visit, batch.data_id.detector)
    query = "SELECT rows FROM catalogue WHERE instrument = ? AND visit = ? AND detector = ?"
    (packed,) = db.execute(query, place).fetchone() or (None,)
    db.execute("INSERT OR REPLACE INTO catalogue VALUES (?, ?, ?, ?)", (*place, _merged(packed, batch.rows)))


def _merged(packed: bytes | None, rows: pa.Table) -> bytes:
    """Pack rows together with those that were packed before."""
    if packed is not None:
        earlier = unpack_rows(packed)
        stale = np.isin(earlier.column("diaSourceId").to_numpy(), rows.column("diaSourceId").to_numpy())
        rows = join_rows([earlier.filter(pa.array(~stale)), rows])
    rows = rows.replace_schema_metadata()  # what pandas says of itself is longer than the rows
    # Compressed as a whole: the fifty rows of a detector take a quarter of what Parquet makes of them,
    # which compresses each of a hundred columns by itself.
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    content = sink.getvalue()
    size: bytes = content.size.to_bytes(8, "little")
    compressed: bytes = pa.compress(content, _CODEC, asbytes=True)
    return size + compressed


def unpack_rows(packed: bytes) -> pa.Table:
    """Return the rows that were packed.

    Parameters
    ----------
    packed : `bytes`
        What the column ``rows`` of the table holds.

    Returns
    -------
    rows : `pyarrow.Table`
        The rows.
    """
    content = pa.decompress(packed[8:], int.from_bytes(packed[:8], "little"), _CODEC)
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()


def join_rows(tables: list[pa.Table]) -> pa.Table:
    """Put tables together whose columns may differ, as those of two runs.

    Parameters
    ----------
    tables : `list` [`pyarrow.Table`]
        At least one.

    Returns
    -------
    rows : `pyarrow.Table`
        All rows; a column is null where a table has none, and text where the
        tables do not agree on its type.
    """
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        plain = [_with_text(table, _disputed(tables)) for table in tables]
        return pa.concat_tables(plain, promote_options="permissive")


def _disputed(tables: list[pa.Table]) -> set[str]:
    """Return the columns that the tables have of types which do not go together."""
    found = set()
    for name in {name for table in tables for name in table.column_names}:
        columns = [table.select([name]) for table in tables if name in table.column_names]
        try:
            pa.concat_tables(columns, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            found.add(name)
    return found


def _with_text(table: pa.Table, names: set[str]) -> pa.Table:
    for place, name in enumerate(table.column_names):
        if name in names:
            table = table.set_column(place, name, pa.array(texts_of(table.column(name)), pa.string()))
    return table


def typed[Texts: (pa.Array, pa.ChunkedArray)](values: Texts) -> Texts:
    """Return what texts stand for, where all of them are of one kind: numbers, or true and false."""
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        try:
            return values.cast(kind)
        except pa.ArrowInvalid:
            continue
    return values
