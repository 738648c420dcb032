"""PNG files from compressed scanlines."""

__all__ = ("png_file",)

import struct
from collections.abc import Iterable
from functools import lru_cache

from ._deflate import crc32


def png_file(width: int, height: int, texts: Iterable[tuple[str, str]], pixels: bytes) -> bytes:
    """Return a PNG file of 8-bit RGB.

    Parameters
    ----------
    width, height : `int`
        Size of the picture.
    texts : `~collections.abc.Iterable` [`tuple` [`str`, `str`]]
        Keyword and text of each text chunk; keywords have at most 79
        characters.
    pixels : `bytes`
        Zlib stream of the scanlines from the top, each the filter type, then
        the filtered red, green and blue of each pixel (PNG specification,
        chapter 9).

    Returns
    -------
    png : `bytes`
        The file.
    """
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header)]
    parts.extend(_text_chunk(keyword, text) for keyword, text in texts)
    parts.append(_chunk(b"IDAT", pixels))
    parts.append(_chunk(b"IEND", b""))
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _text_chunk(keyword: str, text: str) -> bytes:
    try:
        return _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = crc32(content, crc32(kind, 0))
    return b"".join((struct.pack(">I", len(content)), kind, content, struct.pack(">I", checksum)))
