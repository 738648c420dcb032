"""The codecs of compressed tiles, from bytes of the file to bytes of pixels."""

__all__ = ("MAX_ITEM_SIZE", "Bytes", "Codec", "has_rice", "inflate", "inflate_member", "unshuffle")

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

try:
    from astropy.io.fits.hdu.compressed._codecs import Rice1
except ImportError:
    # Without it astropy itself reads RICE images, more slowly.
    Rice1 = None

deflate: Any
try:
    import deflate
except ImportError:
    # Without it zlib-ng inflates, more slowly.
    deflate = None

MANY_TIMES = 64
"""What inflates to more than that is long runs of equal bytes, as masks are. libdeflate takes ten times as
long over these as zlib-ng, and three quarters of its time over noise."""

FEW = 1024
"""Bytes that are inflated without a limit, which is faster: a byte of deflate stands for 1032 at most."""

MAX_ITEM_SIZE = 8
"""Bytes of the largest pixel there is; some writers store wider ones than the image's."""


type Bytes = bytes | bytearray | memoryview
"""Bytes in one dimension."""


@dataclass(frozen=True)
class Codec:
    """How the pixels of a tile are stored."""

    dtype: np.dtype[Any]
    """Type of the values that come out, in the byte order they come in."""
    shuffled: bool = False
    """Whether first all first bytes come, then all second ones, and so on: GZIP_2 (FITS standard 4.0, section
    10.4.2)."""
    block_size: int = 32
    """Pixels per block of RICE_1."""
    is_gzip: bool = True
    """Whether tiles are gzip streams, whose checksums tell all damage, and not of RICE_1."""

    def decode_rice(self, data: Bytes, count: int) -> Bytes:
        """Return the bytes of a tile's pixels that were stored with RICE_1.

        ``count``: number of pixels. Raises `ValueError` if the tile is corrupt.
        """
        codec = Rice1(blocksize=self.block_size, bytepix=self.dtype.itemsize, tilesize=count)
        try:
            return memoryview(codec.decode(np.frombuffer(data, np.uint8))).cast("B")
        except Exception as error:
            raise ValueError(f"cannot be decoded: {error}") from error


def has_rice() -> bool:
    """Return whether RICE_1 can be decoded here."""
    return Rice1 is not None


def inflate(data: Bytes, size: int, limit: int) -> Bytes:
    """Inflate a gzip stream and check it.

    ``data``: a gzip stream with its header and trailer (RFC 1952). ``size``: expected length of the result in
    bytes; only a hint. ``limit``: length that the result must not exceed, however long the stream goes on: a
    few bytes can inflate to a thousand times as many. Returns: the data. Their CRC32 and length agree with
    the trailer. Raises `ValueError` if the stream is truncated or corrupt, or longer than ``limit``.
    """
    if deflate is not None and len(data) * MANY_TIMES >= size:
        try:
            inflated: Bytes = deflate.gzip_decompress(data, size)
            return inflated
        except deflate.DeflateError:
            pass  # zlib-ng finds out why, or that the length is another
    elif len(data) <= FEW:
        try:
            if len(inflated := zlib_ng.decompress(data, 31, size + 1)) <= limit:
                return inflated
        except zlib_ng.error:  # type: ignore[misc]  # as below
            pass
    return inflate_member(data, limit)[0]


def inflate_member(data: Bytes, limit: int, before: int = 0) -> tuple[bytes, bytes]:
    """Inflate the first member of a gzip file, and check it.

    ``limit``: length that the result must not exceed, together with ``before``, that of the members before.
    Returns: the data, and what follows the member. Raises `ValueError` as `inflate` does.
    """
    stream = zlib_ng.decompressobj(wbits=31)
    try:
        inflated = stream.decompress(data, limit + 1 - before)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stubs say that it is an instance
        raise ValueError(f"cannot be inflated: {error}") from error
    if before + len(inflated) > limit:
        raise ValueError(f"cannot be inflated: it has more than {limit} bytes")
    if not stream.eof:
        raise ValueError("cannot be inflated: incomplete or truncated stream")
    return inflated, stream.unused_data


def unshuffle(stored: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Put the bytes of pixels together.

    ``stored``: first all first bytes of a tile, then all second ones, and so on, shape (tiles, bytes, rows,
    columns). ``dtype``: type of the pixels; the most significant byte comes first. Returns: pixels in native
    byte order, shape (tiles, rows, columns).
    """
    count, size, height, width = stored.shape
    values = np.empty((count, height, width), dtype=dtype.newbyteorder("="))
    target = values.view(np.uint8).reshape(count, height, width, size)
    is_big_endian = values.dtype.newbyteorder(">") == values.dtype and size > 1
    for byte in range(size):
        # The most significant byte comes first in the file.
        target[..., byte if is_big_endian else size - 1 - byte] = stored[:, byte]
    return values
