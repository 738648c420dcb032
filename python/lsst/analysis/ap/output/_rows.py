"""Whole rows of the catalogue in the journal, packed by detector."""

__all__ = ("join_rows", "pack_rows", "typed", "unpack_rows")

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from ._metadata import texts_of

_CODEC: Final = "zstd"
_COLUMNS: Final = b"manifest"
"""What the manifest knows of the sources, in the metadata of the schema."""


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
