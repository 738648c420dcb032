"""One name for each quantity, whatever age the catalogue is."""

__all__ = ("REQUIRED_COLUMNS", "SYNONYMS", "standardize")

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from ..domain import CutoutsError

REQUIRED_COLUMNS: Final = ("diaSourceId", "ra", "dec", "visit", "detector")
"""What a catalogue must have; everything else is shown when it is there."""

SYNONYMS: Final[Mapping[str, str]] = {
    "decl": "dec",
    "filterName": "band",
    "psFlux": "psfFlux",
    "psFluxErr": "psfFluxErr",
    "psChi2": "psfChi2",
    "psNdata": "psfNdata",
    "totFlux": "scienceFlux",
    "totFluxErr": "scienceFluxErr",
    "spuriousness": "reliability",
}
"""Column names of earlier schemas, and the APDB's name of today for each."""


def standardize(table: pa.Table) -> pa.Table:
    """Give columns their names of today and check that the needed ones exist.

    Parameters
    ----------
    table : `pyarrow.Table`
        Rows of a DiaSource catalogue of any age.

    Returns
    -------
    table : `pyarrow.Table`
        The same rows. An older name is replaced only where today's name is
        not a column already.

    Raises
    ------
    CutoutsError
        Raised when a required column is missing, or a row has no
        ``diaSourceId``.
    """
    present = set(table.column_names)
    names = [
        today if (today := SYNONYMS.get(name)) is not None and today not in present else name
        for name in table.column_names
    ]
    table = table.rename_columns(names)
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        raise CutoutsError(
            f"The catalogue has no column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(names) or 'none'}. Rename its columns to the APDB's names."
        )
    ids = table.column("diaSourceId")
    if not pa.types.is_integer(ids.type):
        try:
            table = table.set_column(names.index("diaSourceId"), "diaSourceId", ids.cast(pa.int64()))
        except pa.ArrowInvalid as error:
            raise CutoutsError(
                f"Column 'diaSourceId' holds {ids.type} that are not whole numbers ({error}). "
                "Give the identifiers as 64-bit integers."
            ) from None
    if ids.null_count:
        raise CutoutsError(
            f"{ids.null_count} of {len(table)} rows have no diaSourceId. Remove them from the catalogue: "
            "a picture is named by that number."
        )
    return table
