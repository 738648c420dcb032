"""Catalogue values as text, for formats that know few types."""

__all__ = ("as_text", "json_value")

import json
from typing import Any

import pyarrow as pa


def as_text(column: pa.ChunkedArray) -> list[str | None]:
    """Return the values of a column as text.

    Returns: text as it is, times in ISO 8601, nested values as JSON; null stays.
    """
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
