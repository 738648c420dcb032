"""Forced photometry: the flux at an object's place, detected or not."""

__all__ = ("FORCED_COLUMNS", "forced_sources")

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ._apdb import SqlApdb
from ._synonyms import renamed
from ._tables import as_arrow

FORCED_COLUMNS: Final = ("visit", "detector", "band", "midpointMjdTai", "psfFlux", "psfFluxErr")
"""What is wanted of a forced source, by the APDB's names."""

_RELEASE: Final = {"expMidptMJD": "midpointMjdTai", "expMidptMJDTAI": "midpointMjdTai"}
"""Names in the tables of releases (lsst.sdm.schemas, ForcedSourceOnDiaObject)."""


def forced_sources(catalog: Any, object_id: int) -> pa.Table:
    """Return the forced photometry of a DiaObject.

    Parameters
    ----------
    catalog : `SqlApdb` or table
        An APDB, whose table DiaForcedSource is read; or a table of forced
        sources, of an APDB or of a release (``dia_object_forced_source``).
    object_id : `int`
        ``diaObjectId``.

    Returns
    -------
    table : `pyarrow.Table`
        Columns of `FORCED_COLUMNS` as far as there are any, in no order.

    Raises
    ------
    CutoutsError
        Raised when the database cannot be read.
    """
    if isinstance(catalog, SqlApdb):
        return catalog.forced(object_id, FORCED_COLUMNS)
    table = as_arrow(catalog)
    if table is None:
        return pa.table({name: pa.nulls(0) for name in FORCED_COLUMNS})
    names = renamed([_RELEASE.get(name, name) for name in table.column_names])
    table = table.rename_columns(names)
    mask = pc.equal(table.column("diaObjectId"), object_id)
    return table.filter(mask).select([name for name in FORCED_COLUMNS if name in names])
