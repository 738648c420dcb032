"""Catalogues as text with one row on each line."""

__all__ = ("decoded", "read_csv")

import codecs
import contextlib
import csv
import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..domain import CutoutsError
from ._arrays import utf8_array
from ._kinds import kind_of
from ._reasons import REASON
from ._synonyms import renamed

_DELIMITERS: Final = (b",", b";", b"\t")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLOCK_BYTES: Final = 2**24
_DAMAGED: Final = "\ufffd".encode()
_LINES_OF_A_VALUE: Final = 100
"""As many lines may a quoted value have."""


def read_csv(data: bytes, delimiter: bytes | None = None) -> pa.Table:
    """Read a table of text.

    ``data``: the file: names on the first line, then a row on each line, values between commas, semicolons or
    tabs, perhaps in double quotes. UTF-8 or UTF-16, with or without a byte-order mark. ``delimiter``: what
    stands between values, where it is known. Returns: its columns: known ones as text, to be read as what
    they are known to be; others as whole numbers, floats, truth values or text, the first of these that all
    values are. A row that has more or fewer values than there are names has a text in the column `REASON`.
    Raises `CutoutsError` when there is not even a line of names.
    """
    data = decoded(data).lstrip(b"\r\n")
    header, _, body = data.partition(b"\n")
    if not header.strip():
        raise CutoutsError("it is empty; the names of its columns are missing")
    delimiter = delimiter or max(_DELIMITERS, key=header.count)
    (names,) = csv.reader([_text(header).strip("\r\n")], delimiter=delimiter.decode())
    names = [name.strip() for name in names]
    rows = _rows(body, delimiter, len(names))
    columns = [_typed(name, rows.column(place)) for place, name in enumerate(names)]
    more = rows.select(rows.column_names[len(names) :])  # the reasons
    return pa.Table.from_arrays([*columns, *more.columns], [*names, *more.column_names])


def decoded(data: bytes) -> bytes:
    """Return text in UTF-8, without a byte-order mark.

    ``data``: text in UTF-8 or, if its byte-order mark says so, in UTF-16. Bytes that are neither become
    U+FFFD.
    """
    if data.startswith(_UTF16):
        return data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    try:  # Arrow's check needs less memory than Python's text
        pa.array([data], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        return _text(data).encode()
    return data


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _rows(data: bytes, delimiter: bytes, width: int) -> pa.Table:
    """Return the rows below the names, as text."""
    import pyarrow.csv as pac

    names = [str(place) for place in range(width)]
    has_long_values = False
    if b'"' in data:
        data, has_long_values = _with_sound_quotes(data, delimiter, width)
    if not data.strip():
        return pa.table({name: pa.array([], pa.string()) for name in names})
    odd: list[tuple[int, str]] = []

    def keep(row: Any) -> str:
        odd.append((row.number - 1, row.text))
        return "skip"

    table = pac.read_csv(
        pa.BufferReader(data),
        # Only a single thread knows the numbers of rows.
        pac.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK_BYTES),
        pac.ParseOptions(
            delimiter=delimiter.decode(),
            quote_char='"' if b'"' in data else False,
            newlines_in_values=has_long_values,
            invalid_row_handler=keep,
        ),
        pac.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=True),
    )
    table = pa.table({name: utf8_array(table.column(name)) for name in names})
    return _with_odd_rows(table, odd, delimiter) if odd else table


def _typed(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as what all of it can be read as; known columns are left to `read_values`."""
    if kind_of(*renamed([name])) is not None:
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column))])
    whole = pc.all(pc.match_substring_regex(column, r"^[+-]?[0-9]+$"), skip_nulls=True).as_py()
    # Whole numbers of more than 64 bits stay text: as floats they would lose digits.
    for kind in (pa.int64(),) if whole else (pa.float64(), pa.bool_()):
        with contextlib.suppress(pa.ArrowInvalid):
            return column.cast(kind)
    return column


def _with_odd_rows(table: pa.Table, odd: Sequence[tuple[int, str]], delimiter: bytes) -> pa.Table:
    """Put rows of another width back where they were, as far as they go."""
    width = table.num_columns
    rows, reasons = [], []
    for number, text in odd:
        (found,) = csv.reader([text], delimiter=delimiter.decode())
        rows.append([value or None for value in (found + [""] * width)[:width]])
        reasons.append(f"row {number + 1} has {len(found)} values, where the catalogue has {width} columns")
    columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    rest = pa.Table.from_arrays([*columns, pa.array(reasons)], [*table.column_names, REASON])
    joined = pa.concat_tables([table, rest], promote_options="default")
    places = np.array([number for number, _ in odd])
    others = np.setdiff1d(np.arange(len(joined)), places)
    return joined.take(pa.array(np.argsort(np.concatenate([others, places]), kind="stable")))


def _with_sound_quotes(data: bytes, delimiter: bytes, width: int) -> tuple[bytes, bool]:
    """Return text none of whose quotes swallows the following rows.

    A quote that is opened and never closed would do so. Where no value of several lines explains it, it has
    become U+FFFD, so that what it is in cannot be read.
    """
    lines = data.splitlines(keepends=True)
    done: list[bytes] = []
    is_sound, has_long_values = True, False
    place = 0
    while place < len(lines):
        line = lines[place]
        count = 1
        if b'"' in line and not _is_row(line, delimiter):
            for count in range(2, min(_LINES_OF_A_VALUE, len(lines) - place) + 1):
                several = b"".join(lines[place : place + count])
                if b'"' in lines[place + count - 1] and _is_row(several, delimiter, width):
                    line, has_long_values = several, True
                    break
            else:
                count = 1
                line, is_sound = line.replace(b'"', _DAMAGED), False
        done.append(line)
        place += count
    return data if is_sound else b"".join(done), has_long_values


def _is_row(line: bytes, delimiter: bytes, width: int | None = None) -> bool:
    """Whether text is one row, all of whose quotes are closed."""
    text = io.StringIO(_text(line), newline="")
    try:
        rows = list(csv.reader(text, delimiter=delimiter.decode(), strict=True))
    except csv.Error:
        return False
    return len(rows) == 1 and width in (None, len(rows[0]))
