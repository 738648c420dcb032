"""One name and one type for each quantity, whatever age and make the catalogue is of."""

__all__ = ("REQUIRED_COLUMNS", "Meanings", "Standardizer", "shortened")

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError
from ..messages import did_you_mean
from ._afw_catalog import calibrate_fluxes
from ._arrays import arrow_array, reals
from ._ccd_visit import CcdVisitPacker, unpack_ccd_visits
from ._flag_map import FlagMap, unpack_flags
from ._kinds import FLAG, REAL, WHOLE, Kind, Reading, kind_of, read_columns
from ._positions import TIME_RANGE, FindExposures, place_positions
from ._reasons import REASON, reasons_of, with_reasons
from ._synonyms import current_name, renamed

_LOG = logging.getLogger(__name__)

REQUIRED_COLUMNS: Final = ("diaSourceId", "ra", "dec", "visit", "detector")
"""What a catalogue must have; everything else is shown when it is there."""

_NAMING: Final = ("diaSourceId", "visit", "detector", "ccdVisitId")
"""Identifiers without which nothing can be done."""


@dataclass(frozen=True, slots=True)
class Meanings:
    """What columns of a catalogue mean that do not say it themselves."""

    flag_map: FlagMap | None = None
    """What the bits of an integer column of flags mean."""
    packer: Callable[[], CcdVisitPacker | None] = lambda: None
    """Returns what a column ``ccdVisitId`` means, if anybody knows; asked where it has to be unpacked."""
    find: FindExposures | None = None
    """Finds the images that show positions, which the rows of a catalogue without ``diaSourceId`` are."""

    def columns_for(self, wanted: Collection[str]) -> set[str]:
        """Return columns that are wanted, and those that they may have to be made of.

        ``wanted``: columns by their current names. Returns: these, packed identifiers and flags, and the
        range of time of a position.
        """
        packed = () if self.flag_map is None else (self.flag_map.column,)
        return {*wanted, "ccdVisitId", *packed, *TIME_RANGE}


class Standardizer:
    """What turns the tables of one catalogue into standard tables.

    Columns get their current names; an older name is replaced only where the current name is not a column
    already. Identifiers become 64-bit integers, flags truth values and bands text, whatever they are written
    as. A value that cannot be read is null, and its row says so in the column `REASON`; so does a row without
    ``diaSourceId``, whose place it takes is the number of the row, from 1, with a minus sign.

    ``required``: columns that must be there; of `REQUIRED_COLUMNS` the others are added, without a value.
    ``whole``: whether each table is all of its catalogue, so that a column without any value that can be
    read is refused. When it is called it raises `CutoutsError` when a required column is missing, when
    identifiers have lost digits, or when a known column holds no value that can be read.
    """

    def __init__(
        self,
        meanings: Meanings | None = None,
        required: Collection[str] = REQUIRED_COLUMNS,
        *,
        whole: bool = False,
    ) -> None:
        self._meanings = meanings or Meanings()
        self._required = required
        self._whole = whole
        self._rows = 0
        self._warned: set[str] = set()

    def begin(self) -> None:
        """Begin to count rows anew, before the catalogue is read once more."""
        self._rows = 0

    def __call__(self, table: pa.Table) -> pa.Table:
        reasons = reasons_of(table) if REASON in table.column_names else {}
        if not _has_current_names(tuple(table.column_names)):
            table = calibrate_fluxes(_without_repeats(table))
            table = table.rename_columns(renamed(table.column_names))
        table = self._read_columns(table, reasons)
        if self._meanings.flag_map is not None:
            table = unpack_flags(table, self._meanings.flag_map)
        if "ccdVisitId" in table.column_names:
            table = unpack_ccd_visits(table, self._meanings.packer)
        if self._is_of_positions(table.column_names):
            table = place_positions(with_reasons(table, reasons), self._meanings.find)
            reasons = {}
            if REASON in table.column_names:
                reasons, table = reasons_of(table), table.drop_columns([REASON])
        table = self._complete(table)
        table = self._identify(table, reasons)
        for row, reason in _off_the_sky(table).items():
            if reason not in reasons.setdefault(row, []):
                reasons[row].append(reason)
        self._rows += len(table)
        return with_reasons(table, reasons) if reasons else table

    def _read_columns(self, table: pa.Table, reasons: dict[int, list[str]]) -> pa.Table:
        """Replace columns by their values, or take them out."""
        flag_map = self._meanings.flag_map
        if not (found := read_columns(table, None if flag_map is None else flag_map.column)):
            return table
        columns = dict(zip(table.column_names, table.columns, strict=True))
        for name, (kind, reading) in found.items():
            if not self._is_usable(name, columns[name].type, kind, reading):
                del columns[name]
                continue
            columns[name] = reading.values
            for row, text in reading.unreadable.items():
                what = "within 64 bits" if kind is WHOLE and text.isdecimal() else kind.words
                reasons.setdefault(row, []).append(f"{name} is {shortened(text)}, not {what}")
        # One new table, as each costs what reading a column does.
        return pa.table(columns) if columns else table.select([])

    def _is_usable(self, name: str, stored: pa.DataType, kind: Kind, reading: Reading) -> bool:
        """Return whether a column of some stored type is kept."""
        all_wrong = 0 < len(reading.values) == len(reading.unreadable)
        if reading.rounded is not None:
            if name not in _NAMING:
                if name not in self._warned:
                    self._warned.add(name)
                    _LOG.warning("%s The column is left out.", _rounded(name, reading.rounded))
                return False
            if all_wrong or pa.types.is_floating(stored):
                raise CutoutsError(_rounded(name, reading.rounded))
        if all_wrong and self._whole:
            raise CutoutsError(_nothing_readable(name, kind, reading))
        return True

    def _is_of_positions(self, names: Collection[str]) -> bool:
        """Whether a table has positions and no sources."""
        found = (
            "diaSourceId" in self._required
            and "diaSourceId" not in names
            and {"ra", "dec"} <= set(names)
            and (self._meanings.find is not None or {"visit", "detector"} <= set(names))
        )
        if found and "positions" not in self._warned:
            self._warned.add("positions")
            _LOG.warning(
                "The catalogue has no diaSourceId: its rows are taken for positions, and their identifiers "
                "are made up.%s",
                did_you_mean("diaSourceId", names),
            )
        return found

    def _complete(self, table: pa.Table) -> pa.Table:
        names = table.column_names
        if missing := [name for name in self._required if name not in names]:
            raise CutoutsError(
                f"The catalogue has no column {', '.join(map(repr, missing))}; "
                f"it has {', '.join(names) or 'none'}. Rename its columns to the APDB's names."
            )
        for name in REQUIRED_COLUMNS:
            if name not in names and (kind := kind_of(name)) is not None:
                table = table.append_column(name, pa.nulls(len(table), kind.type))
        return table

    def _identify(self, table: pa.Table, reasons: dict[int, list[str]]) -> pa.Table:
        """Give rows without an identifier the number of the row, and a reason."""
        ids = table.column("diaSourceId")
        if not ids.null_count or "diaSourceId" not in self._required:
            return table
        if ids.null_count == len(ids) and self._whole:
            raise CutoutsError(f"None of the {len(ids)} rows has a diaSourceId: complete that column.")
        for row in np.flatnonzero(pc.is_null(ids).to_numpy()).tolist():
            reasons.setdefault(row, ["it has no diaSourceId"])[0] += f" (row {self._rows + row + 1})"
        numbers = pa.array(-(self._rows + 1 + np.arange(len(table), dtype=np.int64)))
        return table.set_column(
            table.schema.get_field_index("diaSourceId"),
            "diaSourceId",
            pc.coalesce(ids, pa.chunked_array([numbers])),
        )


@lru_cache(maxsize=64)
def _has_current_names(names: tuple[str, ...]) -> bool:
    """Whether columns have names of today and of their own, as most have that are looked at one by one."""
    is_raw = any(name.startswith(("base_", "slot_")) for name in names)
    return not is_raw and REASON not in names and list(dict.fromkeys(renamed(names))) == list(names)


def _without_repeats(table: pa.Table) -> pa.Table:
    """Return a table whose columns have names of their own.

    A column that is there several times counts once, if it is the same.
    """
    names = _names(table)
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        if (kept := first.setdefault(name, place)) == place or kind_of(current_name(name)) is None:
            continue
        if not arrow_array(table.column(place)).equals(arrow_array(table.column(kept))):
            raise CutoutsError(
                f"The catalogue has several columns {name!r}, with different values: remove all but one."
            )
    columns = {name: table.column(place) for name, place in first.items() if name != REASON}
    return pa.table(columns) if columns else table.select([])


def _names(table: pa.Table) -> list[str]:
    """Return the names of columns, where they are no text numbers."""
    names = []
    for place in range(table.num_columns):
        try:
            names.append(table.schema.field(place).name)
        except UnicodeDecodeError:  # a file may name its columns in any bytes
            names.append(f"column {place + 1}")
    return names


def _off_the_sky(table: pa.Table) -> dict[int, str]:
    ra, dec = reals(table, "ra"), reals(table, "dec")
    off = (np.abs(ra) > 360.0) | (np.abs(dec) > 90.0)
    return {
        int(row): f"there is no position ra = {ra[row]}, dec = {dec[row]} on the sky"
        for row in np.flatnonzero(off)
    }


def _rounded(name: str, example: str) -> str:
    return (
        f"Column {name!r} holds floats such as {example}, which have lost the last digits of identifiers. "
        f"Read them as 64-bit integers: dtype={{{name!r}: 'Int64'}} in pandas, text in a spreadsheet, "
        "df.iloc[[k]] for a row of a data frame."
    )


def _nothing_readable(name: str, kind: Kind, reading: Reading) -> str:
    remedies: Mapping[Kind, str] = {
        WHOLE: "Give whole numbers of 64 bits.",
        FLAG: "true/false, t/f, yes/no, y/n and 1/0 are understood.",
        REAL: "Give degrees." if name in ("ra", "dec") else "Give numbers.",
    }
    remedy = remedies[kind]
    first = shortened(next(iter(reading.unreadable.values())))
    return f"None of the values of column {name!r} is {kind.words}; the first is {first}. {remedy}"


def shortened(value: Any) -> str:
    """Return a value as a message shows it, cut where it is long."""
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:56]}...{words[-1]}"
