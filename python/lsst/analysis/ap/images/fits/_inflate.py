"""Inflation of gzip streams, by the fastest library there is."""

__all__ = ("inflate", "inflate_all")

import zlib
from collections.abc import Buffer
from typing import Any

deflate: Any
try:
    import deflate
except ImportError:
    deflate = None


def inflate(data: Buffer, size: int, limit: int) -> Buffer:
    """Inflate a gzip stream and check it.

    Parameters
    ----------
    data : `~collections.abc.Buffer`
        A gzip stream with its header and trailer (RFC 1952).
    size : `int`
        Expected length of the result in bytes; only a hint.
    limit : `int`
        Length that the result must not exceed, however long the stream goes
        on: a few bytes can inflate to a thousand times as many.

    Returns
    -------
    inflated : `~collections.abc.Buffer`
        The data. Their CRC32 and length agree with the trailer.

    Raises
    ------
    ValueError
        Raised if the stream is truncated or corrupt, or longer than ``limit``.
    """
    view = memoryview(data)
    # The trailer ends with the length. Where it is another one than expected
    # zlib finds out why.
    if deflate is not None and int.from_bytes(view[-4:], "little") == size:
        try:
            inflated: Buffer = deflate.gzip_decompress(view, size)
        except deflate.DeflateError as error:
            raise ValueError(f"cannot be inflated: {error}") from error
        return inflated
    stream = zlib.decompressobj(wbits=31)
    try:
        inflated = stream.decompress(view, limit + 1)
    except zlib.error as error:
        raise ValueError(f"cannot be inflated: {error}") from error
    if len(inflated) > limit:
        raise ValueError(f"cannot be inflated: it has more than {limit} bytes")
    if not stream.eof:
        raise ValueError("cannot be inflated: incomplete or truncated stream")
    return inflated


def inflate_all(data: bytes, limit: int) -> bytes:
    """Inflate a gzip file, which may have several members.

    Parameters
    ----------
    data : `bytes`
        The file.
    limit : `int`
        Length that the result must not exceed.

    Returns
    -------
    inflated : `bytes`
        The data of all members.

    Raises
    ------
    ValueError
        Raised if the file is truncated or corrupt, or too large.
    """
    inflated = b""
    while data.rstrip(b"\0"):
        stream = zlib.decompressobj(wbits=31)
        try:
            inflated += stream.decompress(data, limit + 1 - len(inflated))
        except zlib.error as error:
            raise ValueError(f"cannot be inflated: {error}") from error
        if len(inflated) > limit:
            raise ValueError(f"cannot be inflated: it has more than {limit} bytes")
        if not stream.eof:
            raise ValueError("cannot be inflated: incomplete or truncated stream")
        data = stream.unused_data
    return inflated
