"""The order of the work."""

__all__ = ("in_order",)

import pyarrow as pa
import pyarrow.compute as pc


def in_order(table: pa.Table) -> pa.Table:
    """Return rows in the order of the work.

    ``table``: rows with the current column names. Returns: the same rows by visit, detector and diaSourceId;
    at the end those that lack a visit or a detector, by diaSourceId.
    """
    visit, detector, ids = (table.column(name) for name in ("visit", "detector", "diaSourceId"))
    is_complete = pc.and_(pc.is_valid(visit), pc.is_valid(detector))
    nothing = pa.scalar(None, pa.int64())
    keys = pa.table(
        {
            "visit": pc.if_else(is_complete, visit, nothing),
            "detector": pc.if_else(is_complete, detector, nothing),
            "diaSourceId": ids,
        }
    )
    return table.take(pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]))
