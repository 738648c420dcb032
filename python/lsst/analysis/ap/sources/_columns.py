"""One name for each quantity, whatever age the catalogue is."""

__all__ = ("REQUIRED_COLUMNS", "renamed", "standardize")

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from ..domain import CutoutsError
from ._synonyms import SYNONYMS

REQUIRED_COLUMNS: Final = ("diaSourceId", "ra", "dec", "visit", "detector")
"""What a catalogue must have; everything else is shown when it is there."""

_PRIORITY: Final = {name: place for place, name in enumerate(SYNONYMS)}


def renamed(names: Sequence[str]) -> list[str]:
    """Return the names of today of the columns of a table.

    Parameters
    ----------
    names : sequence of `str`
        Columns of the table.

    Returns
    -------
    names : `list` [`str`]
        In the same order. A synonym is replaced only where today's name is
        not a column already, and only one of several synonyms is.
    """
    taken = set(names)
    found = dict(zip(names, names, strict=True))
    for name in sorted((name for name in names if name in _PRIORITY), key=_PRIORITY.__getitem__):
        if SYNONYMS[name] not in taken:
            taken.add(SYNONYMS[name])
            found[name] = SYNONYMS[name]
    return [found[name] for name in names]


def standardize(table: pa.Table, required: Sequence[str] = REQUIRED_COLUMNS) -> pa.Table:
    """Give columns their names of today and check that the needed ones exist.

    Parameters
    ----------
    table : `pyarrow.Table`
        Rows of a DiaSource catalogue of any age.
    required : sequence of `str`, optional
        Columns that it must have.

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
    names = renamed(table.column_names)
    table = table.rename_columns(names)
    missing = [name for name in required if name not in names]
    if missing:
        raise CutoutsError(
            f"The catalogue has no column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(names) or 'none'}. Rename its columns to the APDB's names."
        )
    ids = table.column("diaSourceId")
    if ids.type != pa.int64():
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
