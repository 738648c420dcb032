"""PNG files from scanlines."""

__all__ = ("png_file",)

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

try:
    # Intel's igzip needs a fifth of zlib's time for such pictures, and makes
    # them no larger than zlib at its lowest level.
    from isal.isal_zlib import compress as _compress
    from isal.isal_zlib import crc32 as _crc32
except ImportError:
    from zlib import compress as _compress
    from zlib import crc32 as _crc32

_LEVEL = 1


def png_file(scanlines: NDArray[np.uint8], texts: Iterable[tuple[str, str]]) -> bytes:
    """Return a PNG file of 8-bit RGB.

    Parameters
    ----------
    scanlines : `numpy.ndarray`
        One row of bytes per line of the picture, from the top: the filter
        type, then the filtered red, green and blue of each pixel (PNG
        specification, chapter 9).
    texts : `~collections.abc.Iterable` [`tuple` [`str`, `str`]]
        Keyword and text of each text chunk; keywords have at most 79
        characters.

    Returns
    -------
    png : `bytes`
        The file.
    """
    height, stride = scanlines.shape
    header = struct.pack(">IIBBBBB", (stride - 1) // 3, height, 8, 2, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header)]
    parts.extend(_text_chunk(keyword, text) for keyword, text in texts)
    parts.append(_chunk(b"IDAT", _compress(scanlines, _LEVEL)))
    parts.append(_chunk(b"IEND", b""))
    return b"".join(parts)


def _text_chunk(keyword: str, text: str) -> bytes:
    try:
        return _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", _crc32(content, _crc32(kind)))
