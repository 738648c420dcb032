"""The header-data units of a FITS file, found as they are asked for."""

__all__ = ("HduList",)

from collections.abc import Iterator

from ._bytes import ByteSource
from ._errors import ImageFileError
from ._hdu import BLOCK, CARD, Hdu

MAX_HEADER_BLOCKS = 4096
"""A header that has not ended by then (12 MB) is not a header."""


MAX_HDUS = 4096
"""A file of more is not an image: afw writes a few dozen."""


class HduList:
    """The units of a file in order, found as they are asked for.

    Parameters
    ----------
    source : `ByteSource`
        The file.

    Raises
    ------
    ImageFileError
        Raised if the file is not FITS.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self._found: list[Hdu] = []
        if source.size == 0:
            raise ImageFileError(source.name, "is empty")
        if source.size < BLOCK or source.read(0, 9) != b"SIMPLE  =":
            raise ImageFileError(source.name, "is not a FITS file")

    def __iter__(self) -> Iterator[Hdu]:
        index = 0
        while (hdu := self._get(index)) is not None:
            yield hdu
            index += 1

    @property
    def primary(self) -> Hdu:
        """The first unit."""
        hdu = self._get(0)
        assert hdu is not None, "the constructor saw that there is one"
        return hdu

    def find(self, name: str) -> Hdu:
        """Return the first unit of a name.

        Parameters
        ----------
        name : `str`
            EXTNAME, or EXTTYPE of older afw files.

        Returns
        -------
        hdu : `Hdu`
            The unit.

        Raises
        ------
        ImageFileError
            Raised if the file has none.
        """
        for hdu in self:
            if hdu.index and hdu.name == name:
                return hdu
        names = ", ".join(hdu.name or "(unnamed)" for hdu in self._found[1:])
        raise ImageFileError(self.source.name, f"has no {name} extension, only: {names or 'none'}")

    def get(self, index: int) -> Hdu:
        """Return a unit by its position.

        Parameters
        ----------
        index : `int`
            The primary HDU is 0.

        Returns
        -------
        hdu : `Hdu`
            The unit.

        Raises
        ------
        ImageFileError
            Raised if the file has fewer.
        """
        hdu = self._get(index) if index >= 0 else None
        if hdu is None:
            raise ImageFileError(self.source.name, f"has no HDU {index}, only {len(self._found)}")
        return hdu

    def at(self, start: int, index: int) -> Hdu:
        """Return a unit whose place is known, without a look at those before.

        Parameters
        ----------
        start : `int`
            Offset of its header.
        index : `int`
            Its position, for messages; that of the last unit is -1.

        Returns
        -------
        hdu : `Hdu`
            The unit.

        Raises
        ------
        ImageFileError
            Raised if there is none.
        """
        return self._read(start, index)

    def _get(self, index: int) -> Hdu | None:
        while len(self._found) <= index:
            start = self._found[-1].end if self._found else 0
            # Bytes after the last HDU that do not fill a block mean nothing.
            if start + BLOCK > self.source.size:
                return None
            if len(self._found) >= MAX_HDUS:
                raise ImageFileError(self.source.name, f"is corrupt: it has more than {MAX_HDUS} HDUs")
            self._found.append(self._read(start, len(self._found)))
        return self._found[index]

    def _read(self, start: int, index: int) -> Hdu:
        blocks = []
        stop = start
        while stop - start < MAX_HEADER_BLOCKS * BLOCK:
            block = self.source.read(stop, stop + BLOCK)
            blocks.append(block)
            stop += BLOCK
            if index and len(blocks) == 1 and not block.startswith(b"XTENSION="):
                raise ImageFileError(self.source.name, f"is corrupt: no HDU starts at byte {start}")
            if any(block[card : card + CARD].rstrip() == b"END" for card in range(0, BLOCK, CARD)):
                return Hdu(self.source, index, start, stop, b"".join(blocks))
        raise ImageFileError(self.source.name, f"is corrupt: the header at byte {start} has no end")
