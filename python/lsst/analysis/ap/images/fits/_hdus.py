"""The header-data units of a FITS file: found as they are asked for, parsed as far as it is needed."""

__all__ = ("BLOCK", "Hdu", "HduList")

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from astropy.io import fits

from ._bytes import ByteSource
from ._errors import ImageFileError

BLOCK = 2880
"""FITS files are made of blocks of this many bytes (FITS standard 4.0, 3.1)."""

CARD = 80
"""Length of a header card in bytes."""

FIRST_READ = 8 * BLOCK
"""Most headers of images end within this much, which is read at once."""

MAX_HEADER = 4096 * BLOCK
"""A header that has not ended by then (12 MB) is not a header."""

MAX_HDUS = 4096
"""A file of more is not an image: afw writes a few dozen."""

MAX_COLUMNS = 999
"""A table has no more columns than that (FITS standard 4.0, 7.2.1)."""


@dataclass(frozen=True)
class Hdu:
    """One header-data unit."""

    source: ByteSource
    """The file."""
    index: int
    """Position in the file; the primary HDU is 0."""
    data_start: int
    """Offset of the data."""
    header_bytes: bytes
    """The header's blocks."""

    @cached_property
    def header(self) -> fits.Header:
        """The header, with a compressed image's cards as they are in the table that holds it."""
        try:
            return fits.Header.fromstring(self.header_bytes)
        except Exception as error:
            raise self.corrupt(f"header: {error}") from error

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return the value of a card, which must be an integer."""
        value = self.value(keyword, default)
        if isinstance(value, bool) or not isinstance(value, int):
            if isinstance(value, float) and value.is_integer():
                return int(value)
            raise self.corrupt(f"header: {keyword} = {value!r} is not an integer")
        return value

    def number(self, keyword: str, default: float) -> float:
        """Return the value of a card, which must be a finite number."""
        value = self.value(keyword, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.corrupt(f"header: {keyword} = {value!r} is not a number")
        return float(value)

    def text(self, keyword: str, default: str = "") -> str:
        """Return the value of a card as text, without spaces around it."""
        return str(self.value(keyword, default)).strip()

    def value(self, keyword: str, default: Any = None) -> Any:
        """Return what astropy makes of a card, or the default when there is no such card."""
        try:
            if len(keyword) > 8:
                value = self.header.get(keyword)
            elif (start := self._places.get(keyword.ljust(8).encode("ascii"))) is None:
                value = None
            else:
                value = _parse(self.header_bytes[start : start + CARD])
        except Exception as error:
            raise self.corrupt(f"card {keyword}: {error}") from error
        return default if value is None or isinstance(value, fits.card.Undefined) else value

    def matching(self, *prefixes: str) -> dict[str, Any]:
        """Return the values of the cards whose keywords begin with one of some texts."""
        starts = tuple((before + prefix).encode() for prefix in prefixes for before in ("", "HIERARCH "))
        cards = (self.header_bytes[i : i + CARD] for i in range(0, len(self.header_bytes), CARD))
        try:
            found = [
                card.removeprefix(b"HIERARCH ").split(b"=", 1) for card in cards if card.startswith(starts)
            ]
            return {name.strip().decode("ascii"): _parse(b"VALUE   =" + text) for name, text in found}
        except Exception as error:
            raise self.corrupt(f"header: {error}") from error

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
        exttype = self.text("EXTTYPE").upper()
        if exttype in ("ARCHIVE_INDEX", "ARCHIVE_DATA"):
            return exttype
        return self.text("EXTNAME").upper() or exttype

    @cached_property
    def data_size(self) -> int:
        """Length of the data without padding, in bytes (FITS standard 4.0, equation 2)."""
        axes = self.integer("NAXIS")
        if not 0 <= axes <= 999:
            raise self.corrupt(f"header: NAXIS = {axes}")
        if axes == 0:
            return 0
        count = 1
        for axis in range(1, axes + 1):
            count *= self.integer(f"NAXIS{axis}")
        groups, parameters = self.integer("GCOUNT", 1), self.integer("PCOUNT", 0)
        size = abs(self.integer("BITPIX")) // 8 * groups * (parameters + count)
        if size < 0:
            raise self.corrupt("header: negative size")
        return size

    @property
    def is_compressed(self) -> bool:
        """Whether this is an image in a table (FITS standard 4.0, section 10)."""
        return self.value("ZIMAGE", False) is True

    @property
    def is_image(self) -> bool:
        """Whether this is an image of two or more axes, of whatever length."""
        if self.is_compressed:
            return True
        return self.text("XTENSION", "IMAGE") == "IMAGE" and self.integer("NAXIS") >= 2

    def columns(self) -> list[tuple[str, str]]:
        """Return the names of the columns of a table, in upper case, with their formats.

        Raises `ImageFileError` if the header counts more columns than a table may have.
        """
        count = self.integer("TFIELDS")
        if not 0 <= count <= MAX_COLUMNS:
            raise self.corrupt(f"header: TFIELDS = {count}")
        return [(self.text(f"TTYPE{i}").upper(), self.text(f"TFORM{i}")) for i in range(1, count + 1)]

    def corrupt(self, what: str) -> ImageFileError:
        """Return the error that says what is wrong with this unit."""
        return ImageFileError(self.source.name, f"has a corrupt HDU {self.index}, {what}")


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


class HduList:
    """The units of a file in order, found as they are asked for.

    Raises `ImageFileError` if the file is not FITS.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        if source.size == 0:
            raise ImageFileError(source.name, "is empty")
        if source.size < BLOCK:
            raise ImageFileError(source.name, "is not a FITS file")
        self.primary = self.at(0, 0)
        self._found = [self.primary]

    def __iter__(self) -> Iterator[Hdu]:
        index = 0
        while (hdu := self._get(index)) is not None:
            yield hdu
            index += 1

    def find(self, name: str) -> Hdu | None:
        """Return the first extension of a name (EXTNAME, or EXTTYPE of older afw files)."""
        return next((hdu for hdu in self if hdu.index and hdu.name == name), None)

    def get(self, key: int | str) -> Hdu:
        """Return the unit at a position, or the first of a name.

        Raises `ImageFileError` if the file has none.
        """
        if isinstance(key, str):
            if (hdu := self.find(key)) is None:
                names = ", ".join(hdu.name or "(unnamed)" for hdu in self._found[1:])
                raise ImageFileError(self.source.name, f"has no {key} extension, only: {names or 'none'}")
        elif (hdu := self._get(key) if key >= 0 else None) is None:
            raise ImageFileError(self.source.name, f"has no HDU {key}, only {len(self._found)}")
        return hdu

    def at(self, start: int, index: int) -> Hdu:
        """Return a unit whose place is known, without a look at those before.

        ``index``: its position, for messages; -1 for the last unit. Raises `ImageFileError` if there is none.
        """
        header = b""
        while len(header) < MAX_HEADER:
            # Past the end one block is asked for, and the error says that it is missing.
            left = (self.source.size - start - len(header)) // BLOCK * BLOCK
            first = start + len(header)
            header += self.source.read(first, first + min(max(left, BLOCK), FIRST_READ))
            if not header.startswith(b"XTENSION=" if index else b"SIMPLE  ="):
                reason = f"is corrupt: no HDU starts at byte {start}" if index else "is not a FITS file"
                raise ImageFileError(self.source.name, reason)
            end = header.find(b"END", first - start)
            while end >= 0 and (end % CARD or header[end : end + CARD].rstrip() != b"END"):
                end = header.find(b"END", end + 1)
            if end >= 0:
                stop = -(-(end + CARD) // BLOCK) * BLOCK
                return Hdu(self.source, index, start + stop, header[:stop])
        raise ImageFileError(self.source.name, f"is corrupt: the header at byte {start} has no end")

    def _get(self, index: int) -> Hdu | None:
        while len(self._found) <= index:
            last = self._found[-1]
            start = last.data_start + -(-last.data_size // BLOCK) * BLOCK
            # Bytes after the last HDU that do not fill a block mean nothing.
            if start + BLOCK > self.source.size:
                return None
            if len(self._found) >= MAX_HDUS:
                raise ImageFileError(self.source.name, f"is corrupt: it has more than {MAX_HDUS} HDUs")
            self._found.append(self.at(start, len(self._found)))
        return self._found[index]
