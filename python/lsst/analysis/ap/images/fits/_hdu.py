"""A header-data unit of a FITS file, parsed as far as it is needed."""

__all__ = ("BLOCK", "CARD", "Hdu")

import io
import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from astropy.io import fits

from ._bytes import ByteSource
from ._errors import ImageFileError

BLOCK = 2880
"""FITS files are made of blocks of this many bytes (FITS standard 4.0, 3.1)."""

CARD = 80
"""Length of a header card in bytes."""

ELEMENT_SIZES = dict(zip("LXBIJKAEDCM", (1, 1, 1, 2, 4, 8, 1, 4, 8, 8, 16), strict=True))
"""Bytes of an element of a column (FITS standard 4.0, table 18)."""

MAX_COLUMNS = 999
"""A table has no more columns than that (FITS standard 4.0, 7.2.1)."""

MAX_HEAP_USES = 4
"""Cells may share bytes of the heap; those that claim it more often than this
on the average are damaged, or made to fill the memory."""


@dataclass(frozen=True)
class Hdu:
    """One header-data unit."""

    source: ByteSource
    """The file."""

    index: int
    """Position in the file; the primary HDU is 0, and the last one -1."""

    header_start: int
    """Offset of the header."""

    data_start: int
    """Offset of the data."""

    header_bytes: bytes
    """The header's blocks."""

    @cached_property
    def header(self) -> fits.Header:
        """The header, with a compressed image's cards as they are in the
        table that holds it.
        """
        try:
            return fits.Header.fromstring(self.header_bytes)
        except Exception as error:
            raise self._corrupt(f"header: {error}") from error

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return an integer card.

        Parameters
        ----------
        keyword : `str`
            Name of the card.
        default : `int`, optional
            Value when there is no such card.

        Returns
        -------
        value : `int`
            The value.

        Raises
        ------
        ImageFileError
            Raised if the card is absent and has no default, or is not an
            integer.
        """
        value = self.value(keyword, default)
        if isinstance(value, bool) or not isinstance(value, int):
            if isinstance(value, float) and value.is_integer():
                return int(value)
            raise self._corrupt(f"header: {keyword} = {value!r} is not an integer")
        return value

    def number(self, keyword: str, default: float) -> float:
        """Return a card that is a number.

        Parameters
        ----------
        keyword : `str`
            Name of the card.
        default : `float`
            Value when there is no such card.

        Returns
        -------
        value : `float`
            The value.

        Raises
        ------
        ImageFileError
            Raised if the card is not a finite number.
        """
        value = self.value(keyword, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._corrupt(f"header: {keyword} = {value!r} is not a number")
        return float(value)

    def value(self, keyword: str, default: Any = None) -> Any:
        """Return the value of a card.

        Parameters
        ----------
        keyword : `str`
            Name of the card.
        default : `object`, optional
            Value when there is no such card.

        Returns
        -------
        value : `object`
            What astropy makes of it.

        Raises
        ------
        ImageFileError
            Raised if the card cannot be parsed.
        """
        if keyword in self._values:
            value = self._values[keyword]
        else:
            value = self._values[keyword] = self._value(keyword)
        return default if value is None or isinstance(value, fits.card.Undefined) else value

    def _value(self, keyword: str) -> Any:
        try:
            if len(keyword) > 8:
                return self.header.get(keyword)
            if (start := self._places.get(keyword.ljust(8).encode("ascii"))) is None:
                return None
            return _parse(self.header_bytes[start : start + CARD])
        except Exception as error:
            raise self._corrupt(f"card {keyword}: {error}") from error

    @cached_property
    def _values(self) -> dict[str, Any]:
        """Values of the cards that were asked for."""
        return {}

    @cached_property
    def _places(self) -> dict[bytes, int]:
        """Offset of each card in the header; of the first where there are more."""
        header = self.header_bytes
        return {header[i : i + 8]: i for i in range(len(header) - CARD, -1, -CARD)}

    @cached_property
    def name(self) -> str:
        """What the extension is for.

        EXTNAME, or EXTTYPE where older afw wrote nothing else; afw's archive
        tables are told apart by EXTTYPE always.
        """
        exttype = str(self.value("EXTTYPE", "")).strip().upper()
        if exttype in ("ARCHIVE_INDEX", "ARCHIVE_DATA"):
            return exttype
        return str(self.value("EXTNAME", "")).strip().upper() or exttype

    @cached_property
    def data_size(self) -> int:
        """Length of the data without padding, in bytes (FITS standard 4.0,
        equation 2).
        """
        axes = self.integer("NAXIS")
        if not 0 <= axes <= 999:
            raise self._corrupt(f"header: NAXIS = {axes}")
        if axes == 0:
            return 0
        count = 1
        for axis in range(1, axes + 1):
            count *= self.integer(f"NAXIS{axis}")
        groups, parameters = self.integer("GCOUNT", 1), self.integer("PCOUNT", 0)
        size = abs(self.integer("BITPIX")) // 8 * groups * (parameters + count)
        if size < 0:
            raise self._corrupt("header: negative size")
        return size

    @property
    def end(self) -> int:
        """Offset of the next header."""
        return self.data_start + -(-self.data_size // BLOCK) * BLOCK

    @property
    def is_compressed(self) -> bool:
        """Whether this is an image in a table (FITS standard 4.0, section 10)."""
        return self.value("ZIMAGE", False) is True

    def column_names(self) -> list[str]:
        """Return the names of the columns of a table, in upper case.

        Returns
        -------
        names : `list` [`str`]
            Empty text where a column has no name.

        Raises
        ------
        ImageFileError
            Raised if the header counts more columns than a table may have.
        """
        count = self.integer("TFIELDS")
        if not 0 <= count <= MAX_COLUMNS:
            raise self._corrupt(f"header: TFIELDS = {count}")
        return [str(self.value(f"TTYPE{i}", "")).strip().upper() for i in range(1, count + 1)]

    def table(self) -> fits.FITS_rec:
        """Return the rows of a binary table.

        Returns
        -------
        rows : `astropy.io.fits.FITS_rec`
            All rows, in memory.

        Raises
        ------
        ImageFileError
            Raised if the file is truncated or the table corrupt.
        """
        self.column_names()
        if self.integer("NAXIS1") < 1:
            # Rows without bytes could be any number.
            raise self._corrupt("table: its rows are empty")
        data = self.source.read(self.data_start, self.data_start + self.data_size)
        # astropy reads the heap of variable-length columns from files only.
        file = io.BytesIO(self.header_bytes + data + bytes(-len(data) % BLOCK))
        try:
            rows = fits.BinTableHDU.readfrom(file, memmap=False).data
            claimed = _claimed_heap(rows)
        except Exception as error:
            raise self._corrupt(f"table: {error}") from error
        if claimed > MAX_HEAP_USES * len(data):
            raise self._corrupt(f"table: its cells claim {claimed} bytes of {len(data)}")
        return rows

    def _corrupt(self, what: str) -> ImageFileError:
        return ImageFileError(self.source.name, f"has a corrupt HDU {self.index}, {what}")


def _claimed_heap(rows: fits.FITS_rec) -> int:
    """Return how many bytes the cells of variable length have in all."""
    stored = rows.view(np.ndarray)
    claimed = 0
    for column in rows.columns:
        if match := re.match(r"[01]?[PQ]([LXBIJKAEDCM])", column.format):
            counts = stored[column.name].reshape(-1, 2)[:, 0].astype(np.float64)
            claimed += int(np.abs(counts).sum()) * ELEMENT_SIZES[match[1]]
    return claimed


def _parse(card: bytes) -> Any:
    """Return the value of a card.

    Opening a file needs two dozen of its numbers; astropy takes longer over
    them than reading the stamps of a source does.
    """
    text = card[10:].partition(b"/")[0].strip()
    if card[8:10] == b"= ":
        if text in (b"T", b"F"):
            return text == b"T"
        if text.removeprefix(b"-").isdigit():
            return int(text)
        if re.fullmatch(rb"[-+]?\d+\.\d*(E[-+]?\d+)?", text):
            return float(text)
        if (string := re.match(rb" *'([^']*)' *(/|$)", card[10:])) is not None:
            return string[1].rstrip().decode("ascii")
    return fits.Card.fromstring(card).value
