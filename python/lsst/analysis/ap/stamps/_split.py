"""The division of sources into those to train with, to tune with and to test with."""

__all__ = ("split_of",)

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..sources._choice import random_order
from ._choice import SPLITS

_GROUPS = ("diaObjectId", "ssObjectId")


def split_of(rows: pa.Table, shares: Sequence[float], seed: int) -> pa.Array:
    """Return to which part each source belongs.

    Returns: one of `SPLITS` for each source. It follows from the diaObjectId alone, and where there is none
    (null or 0) from the ssObjectId, and where that is missing too from the diaSourceId: sources of an object
    are together, today and when more are added.
    """
    identifiers = rows.column("diaSourceId").cast(pa.int64())
    for name in reversed(_GROUPS):
        if name in rows.column_names:
            found = rows.column(name)
            if pa.types.is_integer(found.type):
                known = pc.fill_null(pc.not_equal(found, 0), False)
                identifiers = pc.if_else(known, found.cast(pa.int64(), safe=False), identifiers)
    # The upper 53 bits, as many as a float64 has, make a number in [0, 1).
    numbers = random_order(identifiers.to_numpy(), seed) >> np.uint64(11)
    at = np.searchsorted(np.cumsum(shares)[:-1], numbers * 2.0**-53, side="right")
    return pa.DictionaryArray.from_arrays(pa.array(at, pa.int8()), pa.array(SPLITS)).cast(pa.string())
