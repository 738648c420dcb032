"""Stamps and catalogue in a zarr group."""

__all__ = ("write_zarr",)

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ._records import RowGroups, StampRecords
from ._schemas import as_text

_CHUNK: Final = 1
_SHARD: Final = 32
"""Sizes of what is read at once, and of a file, in megabytes."""

_ROWS: Final = 16384
"""Rows in a chunk of the catalogue."""

_LONGEST: Final = 200
"""Length of a name in bytes with which every file system can do."""

_log = logging.getLogger(__name__)


def write_zarr(folder: Path, records: StampRecords) -> None:
    """Write ``stamps.zarr``: a group of zarr version 3.

    Its array ``stamps`` has the shape (N, 3, n, n), in shards of about 32 MiB; several sizes make several
    arrays, and so do planes. The group ``catalogue`` has an array for each column, and the group ``null`` one
    of the same name for each column that has nulls, true where the value is null.
    """
    import zarr
    from zarr.codecs import BloscCodec

    attributes: dict[str, Any] = {**records.constants}
    root = zarr.open_group(folder / "stamps.zarr", mode="w", zarr_format=3, attributes=attributes)
    step = records.step(_SHARD)
    arrays = {
        array.name: root.create_array(
            array.name,
            shape=(records.count, *array.shape),
            dtype=array.dtype.name,
            chunks=(records.step(_CHUNK), *array.shape),
            shards=(step, *array.shape),
            # For noise half the time and nine tenths of the bytes of zarr's own choice.
            compressors=BloscCodec(cname="lz4", clevel=1, shuffle="bitshuffle"),
            fill_value=0 if array.plane == "mask" else np.nan,
            dimension_names=("source", "plane", "y", "x"),
        )
        for array in records.columns.arrays
    }
    catalogue = _Catalogue(root, records)
    start = 0
    for block in records.blocks(step):
        for name, array in arrays.items():
            array[start : start + len(block)] = block.pixels[name]
        catalogue.groups.write(block.catalogue)
        start += len(block)
    catalogue.groups.finish()


class _Catalogue:
    """The arrays of the columns, filled by whole chunks."""

    def __init__(self, root: Any, records: StampRecords) -> None:
        self._names = _zarr_names(records.schema.names)
        self._count = records.count
        group = root.create_group("catalogue")
        self._null_group = root.create_group("null")
        self._arrays = {
            field.name: group.create_array(
                self._names[field.name],
                dtype=_dtype(field.type),
                attributes={"column": field.name},
                **self._shape,
            )
            for field in records.schema
        }
        self._nulls: dict[str, Any] = {}
        self.groups = RowGroups(_ROWS, self._put)
        """Takes the rows, of which whole chunks are written."""
        self._start = 0

    @property
    def _shape(self) -> dict[str, Any]:
        return {"shape": (self._count,), "chunks": (_ROWS,), "dimension_names": ("source",)}

    def _put(self, table: pa.Table) -> None:
        stop = self._start + len(table)
        for name, array in self._arrays.items():
            column = table.column(name)
            array[self._start : stop] = _values(column)
            if column.null_count and name not in self._nulls:
                # Where nobody wrote anything it is false.
                self._nulls[name] = self._null_group.create_array(
                    self._names[name], dtype="bool", attributes={"column": name}, **self._shape
                )
            if name in self._nulls:
                self._nulls[name][self._start : stop] = column.is_null().to_numpy()
        self._start = stop


def _zarr_names(columns: Iterable[str]) -> dict[str, str]:
    """Return the name of each column's array.

    They are paths of folders: zarr (specification 3.0, node names) knows no slash, no empty name, none of
    dots alone and none that begins with two underscores.
    """
    names: dict[str, str] = {}
    for column in columns:
        name = column.replace("/", "_").encode()[:_LONGEST].decode(errors="ignore")
        if not name.strip(".") or name.startswith("__"):
            name = f"column_{name.replace('.', '_')}"
        while name in names.values():
            name += "_"
        if name != column:
            _log.warning(
                "Column %r has the name %r in stamps.zarr, which does not know the former.", column, name
            )
        names[column] = name
    return names


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
