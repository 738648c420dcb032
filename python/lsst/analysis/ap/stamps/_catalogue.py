"""The catalogue rows of stamps in a Parquet file."""

__all__ = ("ParquetRows", "write_catalogue")

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ._columns import CONSTANTS
from ._records import StampRecords

_GROUP: Final = 8192


def write_catalogue(path: Path, records: StampRecords) -> None:
    """Write what stands beside the pixels.

    Parameters
    ----------
    path : `pathlib.Path`
        The file; its metadata have the constants of the WCS.
    records : `StampRecords`
        The stamps.
    """
    schema = records.schema.with_metadata({"stamps": json.dumps(dict(CONSTANTS))})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in records.catalogue(_GROUP):
            writer.write_table(table.cast(schema), row_group_size=_GROUP)


class ParquetRows:
    """Rows of a Parquet file in any order, fastest when they ascend.

    Parameters
    ----------
    path : `pathlib.Path`
        The file.
    without : sequence of `str`, optional
        Columns to leave out.
    """

    def __init__(self, path: Path, without: Sequence[str] = ()) -> None:
        self._file = pq.ParquetFile(path, memory_map=True)
        self._names = [name for name in self._file.schema_arrow.names if name not in without]
        metadata = self._file.metadata
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self._ends = np.cumsum(sizes, dtype=np.int64)
        self._last: tuple[int, pa.Table] | None = None

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    @property
    def schema(self) -> pa.Schema:
        """The columns, without metadata."""
        whole = self._file.schema_arrow
        return pa.schema([whole.field(name) for name in self._names])

    def ids(self) -> Iterator[NDArray[np.int64]]:
        """Yield the diaSourceId of every row, some rows at a time."""
        for batch in self._file.iter_batches(columns=["diaSourceId"]):
            yield batch.column("diaSourceId").to_numpy()

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return some rows.

        Parameters
        ----------
        rows : `numpy.ndarray`
            Their numbers, from 0.

        Returns
        -------
        table : `pyarrow.Table`
            One row for each number, in that order.
        """
        groups = np.searchsorted(self._ends, rows, side="right")
        parts, order = [self.schema.empty_table()], []
        for group in np.unique(groups):
            (slots,) = np.nonzero(groups == group)
            table = self._group(int(group))
            parts.append(table.take(pa.array(rows[slots] - (self._ends[group] - len(table)))))
            order.append(slots)
        whole = pa.concat_tables(parts)
        return whole.take(pa.array(np.argsort(np.concatenate(order)))) if order else whole

    def _group(self, number: int) -> pa.Table:
        if self._last is None or self._last[0] != number:
            table = self._file.read_row_group(number, columns=self._names).replace_schema_metadata()
            self._last = (number, table)
        return self._last[1]
