"""The columns that a manifest is to have, against those that sources have."""

__all__ = ("needed_columns", "prepare_columns")

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import pyarrow as pa

from ..domain import CutoutsError, SourceBatch
from ..messages import did_you_mean
from ..output import ManifestColumn
from ..sources import arrow_condition, columns_of, current_name, parse_condition


def prepare_columns(
    batches: Iterable[SourceBatch], columns: Sequence[ManifestColumn]
) -> Iterator[SourceBatch]:
    """Give sources the columns that the manifest wants to be computed.

    Raises `CutoutsError` at once when the first of them have not the columns that are asked for, which would
    be empty before all volunteers.
    """
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        return iter(())
    known = first.rows.column_names
    columns = [_of_today(column, known) for column in columns]
    _check(columns, known)
    computed = [column for column in columns if column.is_computed]
    if not computed:
        return chain([first], batches)
    return (_with_computed(batch, computed) for batch in chain([first], batches))


def needed_columns(columns: Iterable[ManifestColumn]) -> frozenset[str]:
    """Return the columns of the catalogue that some of the manifest are made of.

    Raises `CutoutsError` when one of them is neither a name nor a condition.
    """
    return frozenset().union(*map(_sources, columns))


def _of_today(column: ManifestColumn, known: Collection[str]) -> ManifestColumn:
    """Return a column that may be asked for by an older name of its source."""
    return column if column.source in known else replace(column, source=current_name(column.source))


def _sources(column: ManifestColumn) -> frozenset[str]:
    if column.source.replace(".", "").isidentifier():
        return frozenset({column.source})
    try:
        return columns_of(parse_condition(column.source))
    except CutoutsError as error:
        raise CutoutsError(
            f"Column {column.name!r} of the manifest: {error}", choices=("manifestColumns",)
        ) from error


def _check(columns: Sequence[ManifestColumn], known: Collection[str]) -> None:
    asked = [column for column in columns if column.is_asked]
    missing = sorted(needed_columns(asked) - {*known})
    if not missing:
        return
    raise CutoutsError(
        f"The sources have no column {', '.join(missing)}, which manifestColumns asks for."
        f"{did_you_mean(missing[0], known)} Correct it, or take it out.",
        choices=("manifestColumns",),
    )


def _with_computed(batch: SourceBatch, columns: Sequence[ManifestColumn]) -> SourceBatch:
    rows = batch.rows
    for column in columns:
        if column.name in rows.column_names:
            rows = rows.drop_columns([column.name])
        rows = rows.append_column(column.name, _values(rows, column.source))
    return replace(batch, rows=rows)


def _values(rows: pa.Table, source: str) -> pa.ChunkedArray:
    if source in rows.column_names:
        return rows.column(source)
    import pyarrow.dataset as ds

    condition = arrow_condition(parse_condition(source), rows.schema)
    return ds.dataset(rows).to_table(columns={"value": condition}).column("value")
