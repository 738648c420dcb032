"""Catalogue values as text, for formats that know few types."""

__all__ = ("as_text",)

import json
from typing import Any

import pyarrow as pa


def as_text(column: pa.ChunkedArray) -> list[str | None]:
    """Return the values of a column as text.

    Parameters
    ----------
    column : `pyarrow.ChunkedArray`
        Values of any type.

    Returns
    -------
    texts : `list` [`str` or `None`]
        Text as it is, times in ISO 8601, nested values as JSON; null stays.
    """
    try:
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return [None if value is None else json.dumps(value, default=_plain) for value in column.to_pylist()]
    return texts


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
