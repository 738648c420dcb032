"""PNG files from pictures."""

__all__ = ("Sheet", "png_file")

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from zlib_ng.zlib_ng import compressobj, crc32

# Filter types of PNG (its specification, chapter 9): bytes as they are, and
# bytes less those above.
_NONE, _UP = 0, 2

_LEVEL = 2
"""Effort of the compression. On these pictures it takes a quarter of the time of zlib's level 1 for files of
the same size. The same bytes come from every process; what Intel's igzip makes in half the time is larger."""

_MEMORY_LEVEL = 9
"""Huffman's codes are made half as often as by default: 6 % less time, and files that are 2 % larger."""


class Sheet(NamedTuple):
    """A picture in the memory layout of a PNG file."""

    lines: NDArray[np.uint8]
    """Scanlines: a byte for the filter type, then red, green and blue of each pixel."""
    image: NDArray[np.uint8]
    """The same memory as RGB, (rows from the top, columns, 3)."""
    repeats: NDArray[np.bool_]
    """Lines that are equal to the one above. They hold zeros, which is how the file has them, until somebody
    paints over them. Others may be equal, too."""

    @classmethod
    def empty(cls, height: int, width: int) -> Self:
        """Return a picture whose pixels have any colour.

        ``height``, ``width``: screen pixels.
        """
        return cls._of(np.empty((height, 1 + 3 * width), dtype=np.uint8), np.zeros(height, dtype=bool))

    @classmethod
    def _of(cls, lines: NDArray[np.uint8], repeats: NDArray[np.bool_]) -> Self:
        height, stride = lines.shape
        return cls(lines, lines[:, 1:].reshape(height, stride // 3, 3), repeats)

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> Self:
        """Return a picture as a sheet.

        ``image``: RGB, (rows from the top, columns, 3). Returns: the same pixels in memory of its own; which
        lines repeat is known.
        """
        sheet = cls.empty(*image.shape[:2])
        sheet.image[:] = image
        sheet.repeats[1:] = (image[1:] == image[:-1]).all(axis=(1, 2))
        sheet.lines[sheet.repeats] = 0
        return sheet

    def copy(self) -> Self:
        """Return a picture with the same pixels and memory of its own."""
        return self._of(self.lines.copy(), self.repeats.copy())

    def repaint(self, other: Self, lines: slice) -> None:
        """Get some lines of another picture of the same size."""
        self.lines[lines] = other.lines[lines]
        self.repeats[lines] = other.repeats[lines]

    def fold(self, top: int, height: int, factor: int) -> None:
        """Let lines come in groups of equal ones, of which only the first is painted.

        ``top``, ``height``: the first of these lines, and their number. ``factor``: how many lines a group
        has.
        """
        repeats = _groups(height, factor)
        there = self.repeats[top : top + height]
        if (there > repeats).any():
            self.unfold(top, top + height)
        self.lines[top : top + height][repeats > there] = 0
        there[:] = repeats

    def unfold(self, start: int, stop: int) -> None:
        """Let lines, and the one after them, no longer repeat others, before they are painted over.

        ``start``, ``stop``: the first line and the one past the last, counted from the top.
        """
        flags = self.repeats[: stop + 1].tobytes()
        if 1 not in flags[start:]:
            return
        line = flags.rindex(0, 0, start + 1)
        while line >= 0:
            following = flags.find(0, line + 1)
            self.lines[max(line + 1, start) : following if following >= 0 else len(flags)] = self.lines[line]
            line = following
        self.repeats[start : stop + 1] = False

    def pixels(self) -> NDArray[np.uint8]:
        """Return the picture as RGB, (rows from the top, columns, 3)."""
        self.unfold(0, len(self.lines))
        return np.ascontiguousarray(self.image)


@lru_cache(maxsize=64)
def _groups(height: int, factor: int) -> NDArray[np.bool_]:
    """Return which lines are not the first of a group; not to be changed."""
    groups: NDArray[np.bool_] = np.arange(height) % factor != 0
    return groups


def png_file(sheet: Sheet, texts: Iterable[tuple[str, str]]) -> bytes:
    """Return a picture as a PNG file.

    ``sheet``: the picture. Its memory is used up. ``texts``: keyword and text of each text chunk; keywords
    have at most 79 characters. Returns: the file, 8-bit RGB. The same pixels and texts give the same bytes.
    """
    height, width, _ = sheet.image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header)]
    parts.extend(_text_chunk(keyword, text) for keyword, text in texts)
    # Enlarged pixels make most lines equal to the one above: these are zeros.
    # All others stay as they are, because differences of colours are more
    # varied than the colours, and compress worse.
    sheet.lines[:, 0] = np.where(sheet.repeats, _UP, _NONE)
    deflate = compressobj(_LEVEL, memLevel=_MEMORY_LEVEL)
    parts.append(_chunk(b"IDAT", deflate.compress(sheet.lines) + deflate.flush()))
    parts.append(_chunk(b"IEND", b""))
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _text_chunk(keyword: str, text: str) -> bytes:
    try:
        return _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = crc32(content, crc32(kind))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
