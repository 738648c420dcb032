"""Catalogue rows as the text that a manifest carries."""

__all__ = ("metadata_of", "texts_of")

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from ._columns import MARKS


def metadata_of(rows: pa.Table, columns: Sequence[str]) -> list[Mapping[str, str]]:
    """Return the values of some columns as text.

    ``columns``: columns that are wanted, as far as the table has them. Columns whose own names carry one of
    Zooniverse's prefixes (``#training_subject``, for one) are wanted always. Returns: the non-null values of
    each row, by column name. Each number is the shortest text that gives the same number in its precision: a
    float32 of 0.8 reads 0.8. Lists and structures are JSON.
    """
    present = [name for name in rows.column_names if name in columns or name.startswith(MARKS)]
    columns_of_text = {name: texts_of(rows.column(name)) for name in present}
    return [
        {name: text for name, values in columns_of_text.items() if (text := values[row]) is not None}
        for row in range(len(rows))
    ]


def texts_of(column: pa.ChunkedArray) -> list[str | None]:
    """Return the values of a column as text.

    Returns: the same, in the form that `metadata_of` describes.
    """
    try:
        return list(column.cast(pa.string()).to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # bytes that are no text, and nested types
        values = column.to_pylist()
        return [None if value is None else json.dumps(value, default=str) for value in values]
