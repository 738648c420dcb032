"""Catalogues that differ, as one table of types that files know, and their values as text."""

__all__ = ("as_text", "conform", "json_value", "plain", "unify")

import functools
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

_FIRST: Final = ("diaSourceId", "instrument", "visit", "detector", "ra", "dec")
_NUMBERS: Final = {pa.null(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()}


def plain(table: pa.Table) -> pa.Table:
    """Return a table without what only its maker understands.

    Returns: the same values, without dictionaries and metadata, with 32-bit offsets: what differs between two
    ways to read one catalogue. Types that Parquet does not know are text.
    """
    schema = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in table.schema])
    return conform(table, schema)


@functools.cache
def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the simplest type of the same values, text where files know no other."""
    simple = _simplest(kind)
    return simple if _is_storable(simple) else pa.string()


def _simplest(kind: pa.DataType) -> pa.DataType:
    """Return the simplest type of the same values, down to the names of list items."""
    types = pa.types
    if types.is_dictionary(kind):
        return _simplest(kind.value_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind):
        return pa.binary()
    if types.is_list(kind) or types.is_large_list(kind):
        return pa.list_(_simplest(kind.value_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(_simplest(kind.value_type), kind.list_size)
    if types.is_struct(kind):
        return pa.struct([pa.field(child.name, _simplest(child.type)) for child in kind])
    return kind


def _is_storable(kind: pa.DataType) -> bool:
    try:
        pq.write_table(pa.schema([pa.field("_", kind)]).empty_table(), io.BytesIO())
    except pa.ArrowException:
        return False
    return True


def unify(schemas: Iterable[pa.Schema], last: Sequence[str]) -> pa.Schema:
    """Return the schema that holds the rows of all tables.

    ``schemas``: schemas of tables whose catalogues may differ. ``last``: columns that come last. Returns: the
    same for any order of the tables: what identifies a source, the other catalogue columns by name, then the
    last ones. A column has the narrowest type that holds the types of all tables, text when there is none.
    """
    kinds: dict[str, set[pa.DataType]] = {}
    for schema in schemas:
        for field in schema:
            kinds.setdefault(field.name, set()).add(field.type)
    first = [name for name in _FIRST if name in kinds]
    end = [name for name in last if name in kinds]
    others = sorted(kinds.keys() - {*first, *end})
    return pa.schema([pa.field(name, _common(name, kinds[name])) for name in (*first, *others, *end)])


def _common(name: str, kinds: set[pa.DataType]) -> pa.DataType:
    if name.endswith("Id") and pa.int64() in kinds and kinds <= _NUMBERS:
        return pa.int64()  # a float would make one identifier of several
    if pa.uint64() in kinds and any(map(pa.types.is_signed_integer, kinds)):
        return pa.string()  # no type of integers holds both
    schemas = [pa.schema([pa.field("_", kind)]) for kind in sorted(map(_plain_type, kinds), key=str)]
    try:
        kind = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.string()
    return pa.string() if pa.types.is_null(kind) else kind


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns of a table that a schema wants.

    ``table``: a table whose types a schema of `unify` holds. Returns: columns that were not there are null.
    """
    present = set(table.column_names)
    columns = [
        _cast(table.column(field.name), field.type)
        if field.name in present
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    if pa.types.is_string(kind):
        return pa.chunked_array([pa.array(as_text(column), kind)])
    return column.cast(kind, safe=False)


def as_text(column: pa.ChunkedArray) -> list[str | None]:
    """Return a column as text, times in ISO 8601, nested values as JSON; null stays."""
    try:
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        values = column.to_pylist()
        return [None if value is None else json.dumps(value, default=json_value) for value in values]
    return texts


def json_value(value: Any) -> str:
    """Return text for a value that JSON does not know.

    ``value``: bytes, a time, or whatever else a catalogue may have. Returns: bytes in hexadecimal, anything
    else as `str` has it.
    """
    return value.hex() if isinstance(value, bytes) else str(value)
