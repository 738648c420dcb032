"""Group DiaSources by the images that their stamps come from."""

__all__ = ("group_by_detector",)

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ..domain import DetectorVisit, SourceBatch
from ._arrays import join_tables
from ._reasons import REASON

_LARGE_BYTES: Final = 2**27


def group_by_detector(
    tables: Iterable[pa.Table], instrument: str | None, max_rows: int = 1000
) -> Iterator[SourceBatch]:
    """Yield batches of sources that were found in the same images.

    Parameters
    ----------
    tables : iterable of `pyarrow.Table`
        Sources with the current column names, in any order; memory holds one table and one batch.
    instrument : `str` or `None`
        Instrument of the rows that do not say theirs in a column ``instrument``.
    max_rows : `int`, optional
        How many sources a batch holds at most. A crowded detector becomes
        several batches, so that memory is bounded.

    Yields
    ------
    batch : `SourceBatch`
        Sources by visit, detector and diaSourceId within each table. Neighbouring tables that end and begin
        with the same detector are joined there. Sources that lack an instrument, a visit or a detector come
        in batches whose data ID is `None`. What is wrong with single rows, so that they can have no picture,
        is in ``reasons``.
    """
    waiting: list[SourceBatch] = []
    waiting_bytes = 0.0

    def flush() -> Iterator[SourceBatch]:
        nonlocal waiting_bytes
        rows = join_tables(batch.rows for batch in waiting) if len(waiting) > 1 else waiting[0].rows
        for start in range(0, len(rows), max_rows):
            yield _batch(waiting[0].data_id, rows.slice(start, max_rows) if len(rows) > max_rows else rows)
        waiting.clear()
        waiting_bytes = 0

    for table in tables:
        row_bytes = table.nbytes / max(1, len(table))  # to ask every batch would take as long as to make it
        for batch in _groups(table, instrument):
            if waiting and waiting[0].data_id != batch.data_id:
                yield from flush()
            waiting.append(batch)
            waiting_bytes += row_bytes * len(batch.rows)
            # Alerts fill memory with their stamps.
            if sum(len(part.rows) for part in waiting) >= max_rows or waiting_bytes > _LARGE_BYTES:
                yield from flush()
    if waiting:
        yield from flush()


def _batch(data_id: DetectorVisit | None, rows: pa.Table) -> SourceBatch:
    """Return a batch, with the reasons of its rows beside them."""
    if REASON not in rows.column_names:
        return SourceBatch(data_id, rows)
    texts = rows.column(REASON).to_pylist()
    reasons = {row: text for row, text in enumerate(texts) if text is not None}
    return SourceBatch(data_id, rows.drop_columns(REASON), reasons)


def _groups(table: pa.Table, instrument: str | None) -> Iterator[SourceBatch]:
    """Yield each run of rows of one detector in a table, after sorting it."""
    given = pa.nulls(len(table), pa.string())
    if "instrument" in table.column_names:
        given = table.column("instrument").cast(pa.string())
        table = table.drop_columns("instrument")
    if instrument is not None:
        given = pc.fill_null(given, instrument)
    table = table.append_column("instrument", given)
    keys = ["instrument", "visit", "detector"]
    if len(table) > 1:
        table = table.sort_by([(name, "ascending") for name in (*keys, "diaSourceId")])
    columns = [table.column(name).to_pylist() for name in keys]
    start = 0
    for row, key in enumerate(zip(*columns, strict=True)):
        following = tuple(column[row + 1] for column in columns) if row + 1 < len(table) else None
        if following != key:
            yield SourceBatch(_data_id(*key), table.slice(start, row + 1 - start))
            start = row + 1


def _data_id(instrument: str | None, visit: float | None, detector: float | None) -> DetectorVisit | None:
    if instrument is None or visit is None or detector is None:
        return None
    return DetectorVisit(instrument, int(visit), int(detector))
