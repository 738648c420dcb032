"""Stamps and catalogue in a zarr group."""

__all__ = ("ZARR",)

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ._columns import CONSTANTS, StampColumns
from ._format import StampFormat
from ._records import StampRecords
from ._text import as_text

_CHUNK_BYTES: Final = 1 << 20
_CHUNKS_PER_SHARD: Final = 32
_PASS: Final = 8192
_ROWS_PER_CHUNK: Final = 8 * _PASS


def _files(columns: StampColumns) -> tuple[str, ...]:
    return ("stamps.zarr",)


def _write(folder: Path, records: StampRecords) -> None:
    import zarr

    (name,) = _files(records.columns)
    root = zarr.open_group(folder / name, mode="w", zarr_format=3, attributes=dict(CONSTANTS))
    for size, column in zip(records.columns.sizes, records.columns.pixels, strict=True):
        chunk = 1 << max(0, (_CHUNK_BYTES // (12 * size * size)).bit_length() - 1)
        shard = chunk * _CHUNKS_PER_SHARD
        array = root.create_array(
            column,
            shape=(records.count, 3, size, size),
            dtype="float32",
            chunks=(chunk, 3, size, size),
            shards=(shard, 3, size, size),
            fill_value=np.nan,
            dimension_names=("source", "plane", "y", "x"),
        )
        _fill(array, records.stamps(size, shard))
    _write_catalogue(root, records)


def _write_catalogue(root: Any, records: StampRecords) -> None:
    nullable = set()
    for table in records.catalogue(_PASS):
        nullable |= {name for name in table.column_names if table.column(name).null_count}
    groups = {name: root.create_group(name) for name in ("catalogue", "null")}
    length = {"shape": (records.count,), "chunks": (_ROWS_PER_CHUNK,), "dimension_names": ("source",)}
    arrays = {
        field.name: groups["catalogue"].create_array(field.name, dtype=_dtype(field.type), **length)
        for field in records.schema
    }
    nulls = {name: groups["null"].create_array(name, dtype="bool", **length) for name in sorted(nullable)}
    start = 0
    for table in records.catalogue(_PASS):
        stop = start + len(table)
        for name, array in arrays.items():
            array[start:stop] = _values(table.column(name))
        for name, array in nulls.items():
            array[start:stop] = table.column(name).is_null().to_numpy()
        start = stop


def _open(folder: Path, columns: StampColumns) -> Mapping[int, Any]:
    import zarr

    (name,) = _files(columns)
    root = zarr.open_group(folder / name, mode="r")
    return {size: root[columns.stamps(size)] for size in columns.sizes}


def _fill(array: Any, blocks: Any) -> None:
    start = 0
    for block in blocks:
        array[start : start + len(block)] = block
        start += len(block)


def _dtype(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_decimal(kind):
        return "float64"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return str(np.dtype(kind.to_pandas_dtype()))
    return "str"


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return values of the type of `_dtype`; what is null is 0, NaN, false or empty."""
    dtype = _dtype(column.type)
    if dtype == "str":
        return np.array([text or "" for text in as_text(column)], dtype=np.dtypes.StringDType())
    if dtype.startswith("float"):
        return np.asarray(column.cast(pa.from_numpy_dtype(dtype)).to_numpy())
    return np.asarray(pc.fill_null(column, False if dtype == "bool" else 0).to_numpy())


ZARR: Final = StampFormat(catalogue=None, files=_files, write=_write, open=_open)
"""``stamps.zarr``: a group of zarr version 3.

Its array ``stamps`` has the shape (N, 3, n, n), in shards of about
32 MiB; several sizes make several arrays. The group ``catalogue`` has an
array for each column, and the group ``null`` one of the same name for
each column that has nulls, true where the value is null.
"""
