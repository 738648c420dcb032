"""Stamps and their catalogue in Parquet files."""

__all__ = ("ParquetShard", "catalogue_file", "write_parquet")

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..output import with_pandas_types
from ._columns import PixelColumn
from ._records import Block, RowGroups, StampRecords
from ._shards import write_shards

_GROUP: Final = 8192
"""Rows of a group in a file of catalogue rows alone."""

_MEGABYTES: Final = 8
"""Size of a group of rows with pixels."""


@contextmanager
def catalogue_file(path: Path, records: StampRecords) -> Iterator[RowGroups]:
    """Open a file for what stands beside the pixels; its metadata have the constants of the stamps."""
    schema = _marked(records.schema, records)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        groups = RowGroups(
            _GROUP, lambda table: writer.write_table(table.cast(schema), row_group_size=_GROUP)
        )
        yield groups
        groups.finish()


class ParquetShard:
    """One file of stamps and catalogue.

    ``path``: the file without its ending. ``tensors``: whether Arrow is to know the pixels as tensors. Other
    libraries that read with Arrow, Hugging Face's ``datasets`` for one, refuse such a column, and take plain
    lists.
    """

    def __init__(self, path: Path, records: StampRecords, *, tensors: bool = False) -> None:
        self._arrays = records.columns.arrays
        make = _tensor if tensors else _list
        self._types = {array.name: make(array) for array in self._arrays}
        schema = records.schema
        for array in self._arrays:
            shape = {"shape": json.dumps(array.shape)}
            schema = schema.append(pa.field(array.name, self._types[array.name], metadata=shape))
        self._schema = _marked(schema, records)
        beside = records.schema.names
        # Noise does not compress; its bytes put in order of significance do, a little.
        split = [f"{array.name}.list.element" for array in self._arrays if array.plane != "mask"]
        self._writer = pq.ParquetWriter(
            path.with_name(f"{path.name}.parquet"),
            self._schema,
            compression="zstd",
            use_dictionary=beside,
            use_byte_stream_split=split,
            write_statistics=beside,
        )

    def write(self, block: Block) -> None:
        """Write some sources as a group of rows."""
        arrays: list[Any] = list(block.catalogue.columns)
        for array in self._arrays:
            lists = pa.FixedSizeListArray.from_arrays(
                pa.array(block.pixels[array.name].reshape(-1)), array.length
            )
            kind = self._types[array.name]
            arrays.append(lists if lists.type == kind else pa.ExtensionArray.from_storage(kind, lists))
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._writer.write_table(table, row_group_size=len(block))

    def close(self) -> None:
        """End the file."""
        self._writer.close()


def write_parquet(folder: Path, records: StampRecords, shard: int | None) -> None:
    """Write ``stamps.parquet``, or parts of it.

    The file has a row for each source, and its pixels in a column: lists of 3 n n values, which in the one
    file Arrow knows as tensors of shape (3, n, n). A group of rows is about 8 MiB.

    ``shard``: how many sources a file has at most; `None` for one file of all.
    """
    step = records.step(_MEGABYTES)
    if shard is not None:
        write_shards(folder, records, shard, step, ParquetShard)
        return
    whole = ParquetShard(folder / "stamps", records, tensors=True)
    try:
        for block in records.blocks(step):
            whole.write(block)
    finally:
        whole.close()


def _tensor(array: PixelColumn) -> Any:
    return pa.fixed_shape_tensor(pa.from_numpy_dtype(array.dtype), array.shape, dim_names=["plane", "y", "x"])


def _list(array: PixelColumn) -> Any:
    return pa.list_(pa.from_numpy_dtype(array.dtype), array.length)


def _marked(schema: pa.Schema, records: StampRecords) -> pa.Schema:
    return with_pandas_types(schema.with_metadata({"stamps": json.dumps(records.constants)}))
