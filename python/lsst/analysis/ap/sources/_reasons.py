"""Why rows of a table can have no picture, as a column of it."""

__all__ = ("REASON", "reasons_of", "with_reasons")

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

REASON: Final = "lsst.analysis.ap.reason"
"""Column that says why a row can have no picture; null where nothing does. A
table has it where some row needs it."""


def reasons_of(table: pa.Table) -> dict[int, list[str]]:
    """Return what is known of each row that can have no picture, of a table that has the column."""
    texts = table.column(REASON).to_pylist()
    return {row: text.split("; ") for row, text in enumerate(texts) if text is not None}


def with_reasons(table: pa.Table, reasons: Mapping[int, Sequence[str]]) -> pa.Table:
    """Return the same rows, with a column that says why some can have no picture."""
    texts = ["; ".join(reasons[row]) if row in reasons else None for row in range(len(table))]
    return table.append_column(REASON, pa.array(texts, pa.string()))
