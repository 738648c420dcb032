"""One name for each quantity, whatever age the catalogue is."""

__all__ = ("REQUIRED_COLUMNS", "renamed", "standardize")

import contextlib
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError
from ._ccd_visit import CcdVisitPacker, unpack_ccd_visits
from ._flag_map import FlagMap, unpack_flags
from ._synonyms import SYNONYMS

REQUIRED_COLUMNS: Final = ("diaSourceId", "ra", "dec", "visit", "detector")
"""What a catalogue must have; everything else is shown when it is there."""

_WHOLE: Final = ("visit", "detector", "diaObjectId", "ssObjectId", "parentDiaSourceId")

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


def standardize(
    table: pa.Table, flag_map: FlagMap | None = None, packer: CcdVisitPacker | None = None
) -> pa.Table:
    """Give columns their names of today and check that the needed ones exist.

    Parameters
    ----------
    table : `pyarrow.Table`
        Rows of a DiaSource catalogue of any age.
    flag_map : `FlagMap`, optional
        What the bits of an integer column of flags mean.
    packer : `CcdVisitPacker`, optional
        What a column ``ccdVisitId`` means.

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
    table = table.rename_columns(renamed(table.column_names))
    table = unpack_ccd_visits(unpack_flags(table, flag_map), packer)
    names = table.column_names
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        raise CutoutsError(
            f"The catalogue has no column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(names) or 'none'}. Rename its columns to the APDB's names."
        )
    table = _whole_numbers(table)
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


def _whole_numbers(table: pa.Table) -> pa.Table:
    """Make whole numbers of what nulls in pandas and names of folders leave.

    Floats that are too large to have all their digits stay as they are.
    """
    for name in _WHOLE:
        if (index := table.schema.get_field_index(name)) < 0:
            continue
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_floating(column.type):
            column = column.cast(pa.float64())
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
            if pc.any(pc.greater_equal(pc.abs(column), 2.0**53)).as_py():
                continue
        elif not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        with contextlib.suppress(pa.ArrowInvalid):  # it may be no whole number at all
            table = table.set_column(index, name, column.cast(pa.int64()))
    return table
