"""Objects that afw keeps in the archive tables of its FITS files."""

__all__ = ("ArchiveEntry", "read_archive_index", "read_rows", "read_sky_wcs_text", "read_table")

import io
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits

from ._errors import ImageFileError
from ._hdus import BLOCK, Hdu, HduList

ELEMENT_SIZES = dict(zip("LXBIJKAEDCM", (1, 1, 1, 2, 4, 8, 1, 4, 8, 8, 16), strict=True))
"""Bytes of an element of a column (FITS standard 4.0, table 18)."""

MAX_HEAP_USES = 4
"""Cells may share bytes of the heap; those that claim it more often than this
on the average are damaged, or made to fill the memory."""


@dataclass(frozen=True)
class ArchiveEntry:
    """A row of the index: where the rows of an object lie."""

    id: int
    """Archive ID of the object."""
    catalog: int
    """HDU that holds the rows, counted from the index's own."""
    persistable: int
    """Which of the object's catalogues this is."""
    row: int
    """First row."""
    rows: int
    """Number of rows."""
    name: str
    """Class of the object."""


def read_archive_index(hdus: HduList) -> tuple[Hdu | None, list[ArchiveEntry]]:
    """Return the index of the archive.

    ``hdus``: a file that afw wrote. Returns: the index's HDU; `None` when the file has no archive. Raises
    `ImageFileError` if the index cannot be read.
    """
    index = hdus.find("ARCHIVE_INDEX")
    if index is None:
        return None, []
    rows = read_rows(index)
    numbers = ("id", "cat.archive", "cat.persistable", "row0", "nrows")
    try:
        columns = [rows[name].tolist() for name in numbers] + [[str(name) for name in rows["name"]]]
    except (KeyError, ValueError) as error:
        raise ImageFileError(hdus.source.name, f"has a corrupt archive index: {error}") from error
    return index, [ArchiveEntry(*values) for values in zip(*columns, strict=True)]


def read_table(hdus: HduList, index: Hdu, entry: ArchiveEntry) -> Any:
    """Return the table that holds the rows of an object.

    ``index``: the archive's index. Returns: all rows of the table, those of other objects too. Raises
    `ImageFileError` if the file does not hold the object's rows.
    """
    if entry.catalog < 1:
        raise ImageFileError(hdus.source.name, f"has a corrupt archive index: {entry}")
    table = read_rows(hdus.get(index.index + entry.catalog))
    if not 0 <= entry.row <= entry.row + entry.rows <= len(table):
        raise ImageFileError(hdus.source.name, f"has a corrupt archive index: it has no rows for {entry}")
    return table


def read_sky_wcs_text(hdus: HduList) -> str | None:
    """Return the exact WCS of an exposure.

    ``hdus``: a file that afw wrote. Returns: an AST FrameSet in native text, from 0-based PARENT pixels to
    the sky; `None` when the file has no SkyWcs, because it was written before there were any or without a
    WCS. Raises `ImageFileError` if the file should have a SkyWcs that cannot be read.
    """
    primary = hdus.primary
    ids = (primary.value(keyword) for keyword in ("ARCHIVE_ID_SKYWCS", "SKYWCS_ID", "WCS_ID"))
    archive_id = next((value for value in ids if value is not None), None)
    index, entries = read_archive_index(hdus)
    if index is None:
        if archive_id is not None:
            raise ImageFileError(hdus.source.name, "is truncated: its archive, which has the WCS, is missing")
        return None
    if archive_id is None:
        entry = next((entry for entry in entries if entry.name == "SkyWcs"), None)
    else:
        entry = next((entry for entry in entries if entry.id == archive_id), None)
        if entry is None and archive_id != 0:
            raise ImageFileError(hdus.source.name, f"has no object {archive_id}, its WCS, in its archive")
    if entry is None or entry.name == "TanWcs":
        # afw wrote TanWcs before AST; the header says the same.
        return None
    if entry.name != "SkyWcs":
        raise ImageFileError(hdus.source.name, f"has a {entry.name} in its archive where its WCS should be")
    table = read_table(hdus, index, entry)
    if entry.rows < 1:
        raise ImageFileError(hdus.source.name, "has a corrupt archive index: its WCS has no rows")
    row = table[entry.row]
    try:
        # Bytes of text in a column of integers.
        text = np.asarray(row["wcs"]).astype(np.uint8).tobytes().decode("ascii")
    except (KeyError, UnicodeDecodeError) as error:
        raise ImageFileError(hdus.source.name, f"has a corrupt SkyWcs: {error}") from error
    match = re.match(r"(\d+) SkyWcs (\d) ", text)
    if match is None:
        raise ImageFileError(hdus.source.name, f"has a corrupt SkyWcs: it begins with {text[:20]!r}")
    if match[1] != "1":
        raise ImageFileError(hdus.source.name, f"has a SkyWcs of version {match[1]}; only 1 is known")
    return text[match.end() :]


def read_rows(hdu: Hdu) -> fits.FITS_rec:
    """Return the rows of a binary table.

    Raises `ImageFileError` if the file is truncated or the table corrupt.
    """
    hdu.columns()
    if hdu.integer("NAXIS1") < 1:
        # Rows without bytes could be any number.
        raise hdu.corrupt("table: its rows are empty")
    data = hdu.source.read(hdu.data_start, hdu.data_start + hdu.data_size)
    # astropy reads the heap of variable-length columns from files only.
    file = io.BytesIO(hdu.header_bytes + data + bytes(-len(data) % BLOCK))
    try:
        rows = fits.BinTableHDU.readfrom(file, memmap=False).data
        claimed = _claimed_heap(rows)
    except Exception as error:
        raise hdu.corrupt(f"table: {error}") from error
    if claimed > MAX_HEAP_USES * len(data):
        raise hdu.corrupt(f"table: its cells claim {claimed} bytes of {len(data)}")
    return rows


def _claimed_heap(rows: fits.FITS_rec) -> int:
    """Return how many bytes the cells of variable length have in all."""
    stored = rows.view(np.ndarray)
    claimed = 0
    for column in rows.columns:
        if match := re.match(r"[01]?[PQ]([LXBIJKAEDCM])", column.format):
            counts = stored[column.name].reshape(-1, 2)[:, 0].astype(np.float64)
            claimed += int(np.abs(counts).sum()) * ELEMENT_SIZES[match[1]]
    return claimed
