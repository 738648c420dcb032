"""Stamps and catalogue in one Parquet file."""

__all__ = ("PARQUET",)

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ._catalogue import ParquetRows
from ._columns import CONSTANTS, StampColumns
from ._format import StampFormat
from ._records import StampRecords

_CATALOGUE: Final = "stamps.parquet"


def _files(columns: StampColumns) -> tuple[str, ...]:
    return (_CATALOGUE,)


def _write(folder: Path, records: StampRecords) -> None:
    columns = records.columns
    tensors = {size: _tensor(size) for size in columns.sizes}
    schema = records.schema.with_metadata({"stamps": json.dumps(dict(CONSTANTS))})
    for size, tensor in tensors.items():
        schema = schema.append(pa.field(columns.stamps(size), tensor))
    block = records.block
    plain = [name for name in schema.names if name not in columns.pixels]
    # Noise does not compress; its bytes put in order of significance do, a little.
    split = [f"{name}.list.element" for name in columns.pixels]
    with pq.ParquetWriter(
        folder / _CATALOGUE,
        schema,
        compression="zstd",
        use_dictionary=plain,
        use_byte_stream_split=split,
        write_statistics=plain,
    ) as writer:
        passes = [records.stamps(size, block) for size in columns.sizes]
        for table, *pixels in zip(records.catalogue(block), *passes, strict=True):
            arrays = list(table.columns)
            for tensor, stamps in zip(tensors.values(), pixels, strict=True):
                values = pa.array(stamps.reshape(-1))
                storage = pa.FixedSizeListArray.from_arrays(values, tensor.storage_type.list_size)
                arrays.append(pa.ExtensionArray.from_storage(tensor, storage))
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=block)


def _open(folder: Path, columns: StampColumns) -> Mapping[int, Any]:
    return {size: _Pixels(folder / _CATALOGUE, columns, size) for size in columns.sizes}


def _tensor(size: int) -> Any:
    return pa.fixed_shape_tensor(pa.float32(), (3, size, size), dim_names=["plane", "y", "x"])


class _Pixels:
    """One pixel column, read by groups of rows."""

    def __init__(self, path: Path, columns: StampColumns, size: int) -> None:
        self._size = size
        name = columns.stamps(size)
        beside = [other for other in pq.read_schema(path).names if other != name]
        self._rows = ParquetRows(path, without=beside)

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self._rows), 3, self._size, self._size

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        (column,) = self._rows.take(rows).columns
        values = column.combine_chunks().storage.flatten().to_numpy()
        return np.asarray(values.reshape(len(rows), 3, self._size, self._size))


PARQUET: Final = StampFormat(catalogue=_CATALOGUE, files=_files, write=_write, open=_open)
"""``stamps.parquet``: a row per source, its pixels a column of it.

The pixels are lists of 3 n n float32 values, which Arrow knows as tensors
of shape (3, n, n) and others as plain lists. A group of rows is about
8 MiB.
"""
