"""What the values of a column are, and how they are read from whatever a table holds."""

__all__ = ("Kind", "Reading", "kind_of", "read_columns", "read_values")

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ._arrays import arrow_array, text_array
from ._synonyms import FLAG_COLUMNS, PICTURE_COLUMNS

EXACT: Final = 2.0**53
"""From here on a float64 cannot tell a whole number from the next one."""

_NULLS: Final = ("", "-", "--", "nan", "<na>", "na", "n/a", "#n/a", "null", "none", "nat", "\\n")
"""Words, in lower case, for a number that is not there."""

_TRUTHS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("t", "true", "y", "yes", "1", "1.0"), True),
    **dict.fromkeys(("f", "false", "n", "no", "0", "0.0"), False),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What the values of a column are."""

    words: str
    """What to call one of them."""
    parse: Callable[[str], Any]
    """Turns text, stripped, into a value; raises ValueError where it is none."""
    type: pa.DataType
    """Type of the values."""
    plain: str | None = None
    """Pattern of text that Arrow reads as `parse` does, and faster."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a column."""

    values: pa.ChunkedArray
    """The values; null where there is none, and where it is unreadable."""
    unreadable: Mapping[int, str] = field(default_factory=dict)
    """The text of the values that are of another kind, by row."""
    rounded: str | None = None
    """A whole number that went through floats and may have lost its last digits, where there is one."""


def _whole(text: str) -> int:
    if re.fullmatch(r"[+-]?\d{1,19}", text):
        number = int(text)
    else:
        value = _real(text)
        if not abs(value) < EXACT or value != int(value):
            raise ValueError(text)
        number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _real(text: str) -> float:
    if "_" in text:  # which Python takes for a separator of digits
        raise ValueError(text)
    return float(text)


def _truth(text: str) -> bool:
    try:
        return _TRUTHS[text.lower()]
    except KeyError:
        raise ValueError(text) from None


WHOLE: Final = Kind("a whole number", _whole, pa.int64(), r"^-?[0-9]{1,18}$")
REAL: Final = Kind("a number", _real, pa.float64(), r"^-?[0-9]{1,17}(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?$")
FLAG: Final = Kind("true or false", _truth, pa.bool_())
TEXT: Final = Kind("text", str, pa.string())
_ANYTHING: Final = Kind("anything", str, pa.null())

_WHOLE_COLUMNS: Final = (
    *("diaSourceId", "visit", "detector", "diaObjectId", "ssObjectId", "parentDiaSourceId", "ccdVisitId"),
)
_FLAGS: Final = (
    *FLAG_COLUMNS,
    *("isDipole", "isNegative", "glint_trail", "slot_Centroid_pos_flag", "slot_Centroid_neg_flag"),
    *("trail_flag", "trail_flag_edge", "dipoleFitAttempted"),
)
_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys((*PICTURE_COLUMNS, "timeMin", "timeMax"), REAL),
    **dict.fromkeys(_FLAGS, FLAG),
    **dict.fromkeys(("band", "instrument"), TEXT),
    **dict.fromkeys(_WHOLE_COLUMNS, WHOLE),
}


def kind_of(name: str) -> Kind | None:
    """Return what the values of a column are; `None` for columns that may hold anything."""
    return _KINDS.get(name)


def read_columns(table: pa.Table, packed: str | None) -> dict[str, tuple[Kind, Reading]]:
    """Read the columns whose values have to be read.

    ``table``: a table with names of today. ``packed``: a column of whole numbers besides those that are
    known. Returns: by name what its values are, and what came of reading it. Columns that have the type of
    their kind already, as most of a database do, are not among them.
    """
    found = {}
    columns = {name: arrow_array(table.column(name)) for name in _unread_columns(table)}
    for name, column in columns.items():
        kind = WHOLE if name == packed else kind_of(name) or _ANYTHING
        found[name] = (kind, _read_unknown(name, column) if kind is _ANYTHING else _read(column, kind))
    return found


def _unread_columns(table: pa.Table) -> list[str]:
    """Return the columns that are not of the type of their kind."""
    unread, numbers = _by_type(tuple(table.column_names), tuple(table.schema.types))
    # NaN and infinity are no values of a number.
    if wrong := {name for name in numbers if not _is_finite(table.column(name))}:
        return [name for name in table.column_names if name in unread or name in wrong]
    return list(unread)


@lru_cache(maxsize=64)
def _by_type(
    names: tuple[str, ...], types: tuple[pa.DataType, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns that are of another type than their kind, and those of numbers that are not."""
    floats = (pa.float32(), pa.float64())
    unread, numbers = [], []
    for name, found in zip(names, types, strict=True):
        kind = kind_of(name)
        if kind is REAL and found in floats:
            numbers.append(name)
        elif kind is None:
            if found not in (pa.bool_(), pa.int64(), pa.int32(), pa.null(), *floats):
                unread.append(name)
        elif kind is TEXT or found != kind.type:
            unread.append(name)
    return tuple(unread), tuple(numbers)


def _is_finite(column: pa.ChunkedArray) -> bool:
    if len(column) == 1:  # which Python tells sooner
        value = column[0].as_py()
        return value is None or math.isfinite(value)
    return pc.all(pc.is_finite(column)).as_py() is not False


def read_values(values: Any, kind: Kind) -> Reading:
    """Read the values of a column, whatever type they have.

    Returns: numbers may be floats or whole numbers of any precision; all else is of the kind's type.
    """
    return _read(arrow_array(values), kind)


def _read(column: pa.ChunkedArray, kind: Kind) -> Reading:
    if pa.types.is_null(column.type):
        return Reading(column.cast(kind.type))
    if kind is TEXT:
        return Reading(_text(column))
    if pa.types.is_boolean(column.type):
        return Reading(column) if kind is FLAG else _nothing(column, kind)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return _read_numbers(column, kind)
    if not pa.types.is_string(column.type):
        column = pa.chunked_array([text_array(column.to_pylist())])
    return _read_text(column, kind)


def _read_unknown(name: str, column: pa.ChunkedArray) -> Reading:
    """Read a column as it is; one that is named a flag as truth values, if it can be."""
    if pa.types.is_string(column.type) and re.search(r"(^|_)flags?(_|$)|^pixelFlags_", name):
        reading = _read(column, FLAG)
        return Reading(column) if reading.unreadable else reading
    return Reading(column)


def _nothing(column: pa.ChunkedArray, kind: Kind) -> Reading:
    unreadable = {row: str(v) for row, v in enumerate(column.to_pylist()) if v is not None}
    return Reading(pa.chunked_array([pa.nulls(len(column), kind.type)]), unreadable)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return column
    values = column.to_pylist()
    # A list of one word, as some writers make of a single character.
    single = [v[0] if isinstance(v, list) and len(v) == 1 else v for v in values]
    return pa.chunked_array([text_array(single)])


def _read_numbers(column: pa.ChunkedArray, kind: Kind) -> Reading:
    """Read whole numbers and floats."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if kind is FLAG:
        return Reading(pc.not_equal(column, pa.scalar(0, column.type)))
    if kind is REAL:
        return Reading(column)
    if pa.types.is_signed_integer(column.type):
        return Reading(column.cast(pa.int64()))
    present = np.asarray(pc.is_valid(column).to_numpy())
    numbers = np.asarray(pc.fill_null(column, 0).to_numpy())
    if pa.types.is_integer(column.type):
        good, rounded = numbers < 2**63, np.zeros(len(numbers), bool)
    else:
        good = (np.abs(numbers) < EXACT) & (numbers == np.floor(numbers))
        rounded = (np.abs(numbers) >= EXACT) & (np.abs(numbers) < 2.0**63)
    whole = np.where(good, numbers, 0).astype(np.int64)
    bad = np.flatnonzero(present & ~good)
    return Reading(
        pa.chunked_array([pa.array(whole, mask=~(present & good))]),
        {int(row): str(numbers[row]) for row in bad},
        str(numbers[rounded][0]) if rounded.any() else None,
    )


def _read_text(column: pa.ChunkedArray, kind: Kind) -> Reading:
    """Read the text of numbers and truth values."""
    text = pc.utf8_trim_whitespace(column)
    plain = pa.scalar(False) if kind.plain is None else pc.match_substring_regex(text, kind.plain)
    values = pc.if_else(plain, text, pa.scalar(None, pa.string())).cast(kind.type)
    odd = np.flatnonzero(pc.is_valid(text).to_numpy() & pc.is_null(values).to_numpy())
    if not odd.size:
        return Reading(values)
    words = text.take(pa.array(odd)).combine_chunks().dictionary_encode()
    parsed: list[Any] = []
    wrong = set()
    rounded = None
    for place, word in enumerate(words.dictionary.to_pylist()):
        try:
            parsed.append(None if word.lower() in _NULLS else kind.parse(word))
        except ValueError:
            parsed.append(None)
            wrong.add(place)
            if kind is WHOLE and _is_rounded(word):
                rounded = rounded or word
    mask = np.zeros(len(text), bool)
    mask[odd] = True
    values = pc.replace_with_mask(
        values.combine_chunks(), pa.array(mask), pa.array(parsed, kind.type).take(words.indices)
    )
    unreadable = {
        row: words.dictionary[place].as_py()
        for row, place in zip(odd.tolist(), words.indices.to_pylist(), strict=True)
        if place in wrong
    }
    return Reading(pa.chunked_array([values]), unreadable, rounded)


def _is_rounded(word: str) -> bool:
    try:
        return EXACT <= abs(_real(word)) < 2.0**63
    except ValueError:
        return False
